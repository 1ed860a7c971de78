"""What processes of a version before wrote, after the migrations that fold spellings.

Until the last of them has stopped they go on writing the index of one spelling of an email
address, and categories as they were posted. Folding those once more is what the migrations do, by
the rules of now: each change is in the trail, and what an operator disabled stays disabled.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from apps.preferences import audit_trail, vault
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import EMAIL
from apps.preferences.consent import spellings
from apps.preferences.contacts import services
from apps.preferences.contacts.services import MOVED, OPERATOR, REMOVED, REPLACED
from apps.preferences.models import Contact, ContactState
from apps.topics.models import Topic
from apps.topics.services import change_topic
from notifier.domain import categories
from notifier.security.crypto import DecryptionError

#: Contacts read at once.
BATCH = 2_000
#: Why a contact is given up by its owner: there is nothing of it to be merged.
GIVEN_UP = {REMOVED, MOVED, REPLACED}
#: Both stay as they were released, and are run on the tables as they are now.
_addresses = import_module("apps.topics.migrations.0005_fold_email_addresses")
_categories = import_module("apps.preferences.migrations.0008_fold_categories")


class NotMigrated(Exception):
    """The migrations that fold spellings have not run."""


def fold(*, dry_run: bool) -> Counter[str]:
    """Fold what is left in other spellings, and say how many of each kind there were.

    ``dry_run`` rolls each batch back; what of one owner's is in two batches is then counted as
    ``contacts`` that would be ``merged``. Counted:
    ``contacts`` found by another index now, ``merged`` into another contact of their owner,
    ``unreadable`` (their key is gone), ``suppressions`` moved, ``marked`` to be found by one
    spelling, ``topics``, and the ``people`` whose preferences named a category otherwise. Safe to
    run at any time, and again. Raises ``NotMigrated``.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    if not {("topics", "0006_fold_categories"), _FOLDS_PREFERENCES} <= applied.keys():
        raise NotMigrated
    # Before this one ended no suppression was written that the others did not see.
    since = applied["preferences", "0004_suppression_exact"].applied
    counts: Counter[str] = Counter()
    with _kept(dry_run):
        for topic in Topic.objects.exclude(category="").order_by("pk").iterator():
            if topic.category != (folded := categories.fold(topic.category)):
                change_topic(topic, {"category": folded})
                counts["topics"] += 1
    with _kept(dry_run):
        counts["people"] = _categories.fold_preferences(None, None)
    moved: set[int] = set()
    last = 0
    while rows := _emails(last):
        last = rows[-1][0]
        readable: list[str] = []
        odd = []
        for key, sealed, index in rows:
            try:
                readable.append(vault.open(bytes(sealed), bytes(index)))
            except DecryptionError:
                counts["unreadable"] += 1
                continue
            if vault.index_of(EMAIL, readable[-1]) != bytes(index):
                odd.append(key)
        with _kept(dry_run):
            for contact in Contact.objects.select_for_update().filter(pk__in=odd).order_by("pk"):
                if done := _move(contact):
                    counts[done] += 1
            moved.update(spellings.adopt_unmarked(readable))
    counts["suppressions"] = len(moved)
    with _kept(dry_run), connection.cursor() as cursor:
        cursor.execute(_MARK, {"since": since, "moved": list(moved)})
        counts["marked"] = cursor.rowcount
    return counts


_FOLDS_PREFERENCES = ("preferences", "0008_fold_categories")
# An index that a contact is found by is that of a folded address.
_MARK = f"""
    UPDATE preferences_suppression s SET exact = TRUE
     WHERE s.channel = '{EMAIL}' AND NOT s.exact AND s.created_at >= %(since)s
       AND s.id <> ALL(%(moved)s::bigint[])
       AND NOT EXISTS (SELECT FROM preferences_contact c
                        WHERE c.channel = '{EMAIL}' AND c.address_index = s.address_index)"""


@contextmanager
def _kept(dry_run: bool) -> Iterator[None]:
    with transaction.atomic():
        yield
        if dry_run:
            transaction.set_rollback(True)


def _emails(after: int) -> list[tuple[int, bytes, bytes]]:
    rows = Contact.objects.filter(channel=EMAIL, pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", "address", "address_index")[:BATCH])


def _move(contact: Contact) -> str:
    """Have the contact found in every spelling; what was done, as it is counted."""
    address = _opened(contact)
    index = vault.index_of(EMAIL, address)
    twin = (
        Contact.objects.select_for_update()
        .filter(
            channel=EMAIL,
            recipient=contact.recipient_id,
            publisher=contact.publisher_id,
            address_index=index,
        )
        .first()
    )
    if twin is None:
        _found_by(contact, address, index)
        contact.save(update_fields=["address", "address_index"])
        return "contacts"
    if contact.disabled_reason in GIVEN_UP:
        return ""
    _merge(contact, twin)
    return "merged"


def _merge(contact: Contact, twin: Contact) -> None:
    """Of two spellings of one owner's keep one, active if either was and no operator disabled
    either."""
    operators = OPERATOR in (contact.disabled_reason, twin.disabled_reason)
    gone, kept = contact, twin
    address, index = _opened(contact), bytes(twin.address_index)
    if ContactState.ACTIVE == contact.state != twin.state:
        gone, kept = twin, contact
        _found_by(twin, _opened(twin), os.urandom(16))  # nobody looks for it any more
    _addresses._retire(gone, kept)
    if gone.recipient_id is not None:
        about = (gone.recipient_id, EMAIL, bytes(gone.address_index), gone.masked)
        audit_trail.record(
            [Entry(Change.CONTACT_REMOVED, *about, "another spelling of an address")]
        )
    if kept is contact:
        _found_by(contact, address, index)
        contact.save(update_fields=["address", "address_index"])
    if operators and kept.disabled_reason != OPERATOR:
        services.disable_contact(kept)


def _opened(contact: Contact) -> str:
    return vault.open(bytes(contact.address), bytes(contact.address_index))


def _found_by(contact: Contact, address: str, index: bytes) -> None:
    """Seal the address for another index. It is not saved."""
    contact.address_index = index
    contact.address = vault.keyring().encrypt(address.encode(), b"contact:" + index)
