"""The keys: whether what is stored can be read and found with them, and how old they are."""

from collections.abc import Iterator
from datetime import timedelta

from apps.core import clock
from apps.core.database_errors import FAILURES
from apps.doctor.findings import Finding, Options, Reporter
from apps.preferences import vault
from apps.preferences.models import Contact
from apps.privacy.keys import usage
from notifier.security.crypto import DecryptionError, UnknownKeyError

_found = Reporter("keys")

#: Contacts that are read, of the oldest and of the newest.
SAMPLE = 50
#: Longest time that a key may encrypt: two years (NIST SP 800-57 part 1, symmetric data keys).
LONGEST = timedelta(days=730)
_HOW = "docs/privacy.md#rotate-the-encryption-key"


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
    """Say since when the present key is in use, and what becomes of earlier ones."""
    uses = usage.of_keys()
    present, *earlier = uses
    since = uses[present].since
    if (age := clock.moment() - since) > LONGEST:
        yield _found.warning(
            f"encryption key {present} is in use since {since:%Y-%m-%d}, {age.days // 365} years",
            f"put another behind it, NOTIFIER_ENCRYPTION_KEYS={present}:…,{present + 1}:…, then "
            f"first, and run rotate_keys ({_HOW})",
        )
    else:
        yield _found.ok(f"encryption key {present} is in use since {since:%Y-%m-%d}")
    links_end = usage.links_end()
    for key in earlier:
        if uses[key].retired_at is None:
            yield _found.warning(
                f"encryption key {key} is still in use, since {uses[key].since:%Y-%m-%d}",
                f"once every process has key {present} first, run rotate_keys ({_HOW})",
            )
        elif links_end is not None and links_end > clock.moment():
            yield _found.ok(
                f"encryption key {key} is needed for links in messages until {links_end:%Y-%m-%d}"
            )
        else:
            yield _found.warning(
                f"nothing needs encryption key {key} any more",
                "ask rotate_keys --check, and take it out of NOTIFIER_ENCRYPTION_KEYS",
            )
