"""Write inbox items, and encrypt and decrypt their contents."""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta

import orjson
from django.conf import settings
from django.db import connection, transaction

from apps.core import arrays, clock
from apps.core.database_errors import AWAY
from apps.core.delivery_ids import number_of
from apps.inbox.feed import bell, versions
from apps.preferences.vault import keyring
from notifier.domain.messages import Content, Message
from notifier.transport.http import NotWritten

#: The fields of a content that are encrypted together; the others are columns.
SEALED = ("title", "body", "data", "actions")

# Recipients are joined, because one may have been erased since the claim: nothing is stored for
# them, nor for whoever was registered under their name since. Versions are set in the order of the
# recipients, or two claims could wait for each other. Inboxes are listed by the items' ids, and a
# join returns rows in any order; ids of notifications ascend.
_STORE = f"""
WITH item AS MATERIALIZED (
    SELECT m.*
      FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::uuid[], %s::bytea[], %s::text[],
                  %s::text[], %s::text[], %s::timestamptz[])
           AS m (recipient_id, user_id, delivery_id, notification_id, content, severity,
                 display_type, source, expires_at)
      JOIN preferences_recipient r ON r.id = m.recipient_id AND r.user_id = m.user_id
), feed AS (
    INSERT INTO inbox_feed AS f (recipient_id, version)
    SELECT recipient_id, {versions.NOW}
      FROM (SELECT DISTINCT recipient_id FROM item) AS people
     ORDER BY recipient_id
    ON CONFLICT (recipient_id) DO UPDATE SET version = {versions.NEXT}
    RETURNING recipient_id, version
)
INSERT INTO inbox_inboxitem (recipient_id, delivery_id, notification_id, content, severity,
                             display_type, source, created_at, expires_at, version)
SELECT recipient_id, delivery_id, notification_id, content, severity, display_type, source, %s,
       expires_at, version + {versions.step("notification_id")}
  FROM item JOIN feed USING (recipient_id)
 ORDER BY notification_id
ON CONFLICT (delivery_id) DO NOTHING
RETURNING recipient_id, version
"""


def store(messages: Sequence[Message]) -> None:
    """Call ``write`` in a provider's thread, and return its connection to the pool.

    Raises ``NotWritten`` where the database does not answer, which is no fault of the messages.
    """
    try:
        write(messages)
    except AWAY as error:
        raise NotWritten(type(error).__name__) from error
    finally:
        connection.close()


def write(messages: Sequence[Message]) -> None:
    """Store each message in its recipient's inbox, once even if called repeatedly."""
    now = clock.moment()
    shelf_life = timedelta(days=settings.INBOX_DAYS)
    numbers = [_delivery(message) for message in messages]
    contents = [message.content for message in messages]
    rows = [
        arrays.numbers(message.recipient_id for message in messages),
        arrays.texts(message.user_id for message in messages),
        arrays.numbers(numbers),
        arrays.texts(message.notification_id or None for message in messages),
        arrays.blobs(seal(*one) for one in zip(numbers, contents, strict=True)),
        arrays.texts(content.severity for content in contents),
        arrays.texts(content.display_type for content in contents),
        arrays.texts(content.source for content in contents),
        arrays.times(message.expires_at or now + shelf_life for message in messages),
    ]
    sizes = Counter(message.recipient_id for message in messages)
    many = {who for who, size in sizes.items() if size > versions.PER_VERSION}
    # One statement, as nearly always, needs no transaction.
    with transaction.atomic() if many else nullcontext(), connection.cursor() as cursor:
        cursor.execute(_STORE, [*rows, now])
        last: dict[int, int] = {}
        for recipient_id, version in cursor.fetchall():
            last[recipient_id] = max(version, last.get(recipient_id, 0))
        versions.reach({who: version for who, version in last.items() if who in many})
        transaction.on_commit(lambda: bell.ring(last))


def _delivery(message: Message) -> int:
    number = number_of(message.id)
    assert number is not None, message.id  # every message that is sent has a valid id
    return number


def seal(delivery: int, content: Content) -> bytes:
    """Encrypt title, body, data and actions for the inbox item of a delivery."""
    sealed = {name: getattr(content, name) for name in SEALED}
    return keyring().encrypt(orjson.dumps(sealed), context(delivery))


def unseal(delivery: int, stored: bytes) -> Content:
    """Decrypt what ``seal`` encrypted. Raises ``notifier.security.crypto.DecryptionError``."""
    return Content(**orjson.loads(keyring().decrypt(bytes(stored), context(delivery))))


def context(delivery: int) -> bytes:
    """Return the context in which the inbox item of a delivery is encrypted."""
    return b"inbox:%d" % delivery
