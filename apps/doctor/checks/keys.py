"""The keys: whether what is stored can be read and found with them, and how old they are."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from apps.core import clock
from apps.core.database_errors import FAILURES
from apps.doctor.findings import Finding, Options, Reporter
from apps.preferences import vault
from apps.preferences.models import Contact
from notifier.security.crypto import DecryptionError, UnknownKeyError, parse_keys

_found = Reporter("keys")

#: Contacts that are read, of the oldest and of the newest.
SAMPLE = 50
#: How long a key may encrypt: two years at most (NIST SP 800-57 part 1, symmetric data keys).
LONGEST = timedelta(days=730)
#: Milliseconds for the search for the first row with a key.
PATIENCE = 5_000

# The id of a ciphertext's key is in its second and third byte.
_SINCE = """
SELECT created_at FROM preferences_contact
 WHERE get_byte(address, 1) * 256 + get_byte(address, 2) = %s ORDER BY id LIMIT 1
"""


def check(options: Options) -> Iterator[Finding]:
    """Read contacts, and find each by its address."""
    try:
        rows = [
            *Contact.objects.order_by("id")[:SAMPLE],
            *Contact.objects.order_by("-id")[:SAMPLE],
        ]
        contacts = {row.pk: row for row in rows}.values()
        yield from _sample(list(contacts))
        yield from _ages()
    except FAILURES as error:
        yield _found.warning(
            f"no contact could be read: {type(error).__name__}", "see what is said of the database"
        )


def _sample(contacts: list[Contact]) -> Iterator[Finding]:
    unknown, unreadable, misplaced = set[str](), 0, 0
    for contact in contacts:
        index = bytes(contact.address_index)
        try:
            address = vault.open(bytes(contact.address), index)
        except UnknownKeyError as error:
            unknown.add(str(error))
        except DecryptionError:
            unreadable += 1
        else:
            misplaced += vault.index_of(contact.channel, address) != index
    for sentence in sorted(unknown):
        yield _found.error(
            f"{sentence}, and contacts are encrypted with it",
            "put it back into NOTIFIER_ENCRYPTION_KEYS, behind the present one",
        )
    if unreadable:
        yield _found.error(
            f"{unreadable} of {len(contacts)} contacts cannot be read: a key in "
            "NOTIFIER_ENCRYPTION_KEYS is another than the one that had its id",
            "put back the key from your backup; give a new key a new id",
        )
    if misplaced:
        yield _found.error(
            f"{misplaced} of {len(contacts)} contacts are not found by their address: "
            "NOTIFIER_BLIND_INDEX_KEY is another than the one they were stored with",
            "put back the one from your backup, before anything else is stored",
        )
    if not (unknown or unreadable or misplaced):
        read = f"{len(contacts)} contacts" if contacts else "no contacts, since there are none yet,"
        yield _found.ok(f"{read} were read and found with the keys")


def _ages() -> Iterator[Finding]:
    """Say since when the present key encrypts, and whether earlier ones are still needed."""
    present, *earlier = parse_keys(settings.ENCRYPTION_KEYS)
    since = _first_with(present)
    if since and (age := clock.moment() - since) > LONGEST:
        yield _found.warning(
            f"encryption key {present} is in use since {since:%Y-%m-%d}, {age.days // 365} years",
            f"put a new one first: NOTIFIER_ENCRYPTION_KEYS={present + 1}:…,{present}:… "
            "(docs/operations.md#rotating-secrets)",
        )
    elif since:
        yield _found.ok(f"encryption key {present} is in use since {since:%Y-%m-%d}")
    for key in earlier:
        if _first_with(key):
            yield _found.ok(f"encryption key {key} is needed: contacts are encrypted with it")


def _first_with(key: int) -> datetime | None:
    """Return when the first contact was made that is encrypted with a key.

    ``None`` where there is none, or where it is not found in time among millions of others.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE}")
            cursor.execute(_SINCE, [key])
            found = cursor.fetchone()
    except FAILURES:
        return None
    return found[0] if found else None
