"""Fold spellings that processes of an older version wrote after the folding migrations ran.

Until the last such process has stopped, it goes on writing the index of one spelling of an email
address, and categories as posted. This module folds those as the migrations did, but by the present
rules: each change is in the trail, and what an operator disabled stays disabled.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple

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

#: Contacts per query.
BATCH = 2_000
#: Reasons for which a contact is no longer its owner's, so that there is nothing to merge.
GIVEN_UP = {REMOVED, MOVED, REPLACED}
#: The released migrations, which are run on the tables as they are now.
_addresses = import_module("apps.topics.migrations.0005_fold_email_addresses")
_categories = import_module("apps.preferences.migrations.0008_fold_categories")


class NotMigrated(Exception):
    """The migrations that fold spellings have not run."""


class _SealedEmail(NamedTuple):
    """The row of a contact by email, its address encrypted."""

    id: int
    address: bytes
    blind_index: bytes


def fold(*, dry_run: bool) -> Counter[str]:
    """Fold the remaining spellings and return how many rows of each kind there were.

    The counts are: ``contacts`` moved to another index, ``merged`` into another contact of their
    owner, ``unreadable`` (their encryption key is gone), ``suppressions`` moved, ``marked`` as
    suppressing one spelling only, ``topics``, and the ``people`` whose preferences were changed.

    ``dry_run`` rolls each batch back; two contacts of one owner in different batches then count as
    ``contacts`` and not as ``merged``. Safe to run at any time, and repeatedly. Raises
    ``NotMigrated``.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    if not {("topics", "0006_fold_categories"), _FOLDS_PREFERENCES} <= applied.keys():
        raise NotMigrated
    # The migrations have seen every suppression that was written before this one ended.
    since = applied["preferences", "0004_suppression_exact"].applied
    counts: Counter[str] = Counter()
    with _batch(dry_run):
        for topic in Topic.objects.exclude(category="").order_by("pk").iterator():
            if topic.category != (folded := categories.fold(topic.category)):
                change_topic(topic, {"category": folded})
                counts["topics"] += 1
    with _batch(dry_run):
        counts["people"] = _categories.fold_preferences(None, None)
    moved: set[int] = set()
    last = 0
    while rows := _emails(last):
        last = rows[-1].id
        readable: list[str] = []
        odd = []
        for key, sealed, index in rows:
            try:
                readable.append(vault.open(sealed, index))
            except DecryptionError:
                counts["unreadable"] += 1
                continue
            if vault.index_of(EMAIL, readable[-1]) != index:
                odd.append(key)
        with _batch(dry_run):
            for contact in Contact.objects.select_for_update().filter(pk__in=odd).order_by("pk"):
                if done := _move(contact):
                    counts[done] += 1
            moved.update(spellings.adopt_unmarked(readable))
    counts["suppressions"] = len(moved)
    with _batch(dry_run):
        counts["marked"] = spellings.mark_exact(since, moved)
    return counts


_FOLDS_PREFERENCES = ("preferences", "0008_fold_categories")


@contextmanager
def _batch(dry_run: bool) -> Iterator[None]:
    """Run a batch in a transaction, which ``dry_run`` rolls back."""
    with transaction.atomic():
        yield
        if dry_run:
            transaction.set_rollback(True)


def _emails(after: int) -> list[_SealedEmail]:
    rows = Contact.objects.filter(channel=EMAIL, pk__gt=after).order_by("pk")
    found = rows.values_list("pk", "address", "address_index")[:BATCH]
    return [_SealedEmail(key, bytes(sealed), bytes(index)) for key, sealed, index in found]


def _move(contact: Contact) -> str:
    """Move the contact to the index of every spelling; return the name of the count."""
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
        _reencrypt(contact, address, index)
        contact.save(update_fields=["address", "address_index"])
        return "contacts"
    if contact.disabled_reason in GIVEN_UP:
        return ""
    _merge(contact, twin)
    return "merged"


def _merge(contact: Contact, twin: Contact) -> None:
    """Merge two spellings of one owner into one contact.

    It is active if either was, unless an operator disabled one of them.
    """
    operators = OPERATOR in (contact.disabled_reason, twin.disabled_reason)
    gone, kept = contact, twin
    address, index = _opened(contact), bytes(twin.address_index)
    if ContactState.ACTIVE == contact.state != twin.state:
        gone, kept = twin, contact
        _reencrypt(twin, _opened(twin), os.urandom(16))  # frees its index; nobody looks it up again
    _addresses._retire(gone, kept)
    if gone.recipient_id is not None:
        about = (gone.recipient_id, EMAIL, bytes(gone.address_index), gone.masked)
        audit_trail.record(
            [Entry(Change.CONTACT_REMOVED, *about, "another spelling of an address")]
        )
    if kept is contact:
        _reencrypt(contact, address, index)
        contact.save(update_fields=["address", "address_index"])
    if operators and kept.disabled_reason != OPERATOR:
        services.disable_contact(kept)


def _opened(contact: Contact) -> str:
    return vault.open(bytes(contact.address), bytes(contact.address_index))


def _reencrypt(contact: Contact, address: str, index: bytes) -> None:
    """Encrypt the address for another index, without saving the row."""
    contact.address_index = index
    contact.address = vault.keyring().encrypt(address.encode(), vault.address_context(index))
