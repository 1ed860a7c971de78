"""Rotation of webhooks' signing secrets.

The old and the new secret both sign for a day, so that a receiver that knows either misses nothing.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.db import connection

from apps.core import clock
from apps.preferences import vault
from notifier.security.crypto import DecryptionError
from notifier.security.signing import signature

#: Time for which a replaced secret still signs.
OVERLAP = timedelta(days=1)
#: Replaced secrets that sign at the same time; of more in one day, the oldest are dropped.
MOST_FORMER = 4

_HELD = """
SELECT c.id, c.address_index, w.secret, c.secret, coalesce(c.former_secrets, '{}'),
       coalesce(c.former_secrets_until, '{}')
  FROM preferences_contact c
  JOIN unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bytea[], %s::text[])
       AS w (recipient_id, publisher_id, channel, address_index, secret)
    ON c.channel = w.channel AND c.address_index = w.address_index
   AND c.recipient_id IS NOT DISTINCT FROM w.recipient_id
   AND c.publisher_id IS NOT DISTINCT FROM w.publisher_id
 WHERE c.secret IS NOT NULL
 ORDER BY c.recipient_id, c.publisher_id, c.channel, c.address_index
   FOR UPDATE OF c
"""
_KEEP = """
UPDATE preferences_contact SET former_secrets = %s, former_secrets_until = %s WHERE id = %s
"""

#: A contact's key: recipient, publisher, channel and blind index of the address.
Key = tuple[int | None, int | None, str, bytes]


def exchange(given: Mapping[Key, str]) -> None:
    """Keep the present secret of each contact as a former one, before the given one replaces it.

    Call it in the transaction that then writes the new secrets.
    """
    if not given:
        return
    now = clock.moment()
    rows = [(*key, secret) for key, secret in given.items()]
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [list(column) for column in zip(*rows, strict=True)])
        for contact, index, new, held, former, until in cursor.fetchall():
            if _opened(held, index) == new:
                continue  # unchanged: the secrets that it replaced still sign
            ends = zip((held, *former), (now + OVERLAP, *until), strict=True)
            kept = [
                (bytes(one), end)
                for one, end in ends
                if end > now and _opened(one, index) not in ("", new)
            ]
            some = kept[:MOST_FORMER]
            cursor.execute(_KEEP, [[one for one, _ in some], [end for _, end in some], contact])


def _opened(secret: memoryview, index: memoryview) -> str:
    """Decrypt a secret; empty if its encryption key is gone or the secret cannot sign."""
    try:
        opened = vault.open_secret(bytes(secret), bytes(index))
        signature(opened, "", 0, b"")
    except (DecryptionError, ValueError):
        return ""
    return opened
