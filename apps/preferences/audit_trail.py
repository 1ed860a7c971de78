"""The directory's trail: every change of contacts, preferences and suppressions.

Services write it in the transaction of the change, any number of entries in one statement.
"""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from prometheus_client import Counter

from apps.core import arrays, clock, old_rows
from apps.preferences.channels import INBOX
from apps.preferences.models import Contact, DirectoryChange
from apps.publishers import audit
from apps.publishers.audit import LONGEST_ACTOR, PROVIDER, Actor

#: Characters of a detail that are stored.
DETAIL = 200
#: Rows that a panel shows, and addresses of a recipient whose changes are looked up.
MOST_SHOWN = 20
MOST_ADDRESSES = 100
CHANGES = Counter(
    "notifier_directory_changes_total",
    "Changes of contacts, preferences and suppressions, by kind of actor and of change.",
    ["actor", "change"],
)


class Change(StrEnum):
    """The kind of a change of a contact, a preference or a suppression."""

    CONTACT_ADDED = "contact_added"
    CONTACT_ENABLED = "contact_enabled"
    CONTACT_DISABLED = "contact_disabled"
    CONTACT_REMOVED = "contact_removed"
    CONTACT_MOVED = "contact_moved"  # its token belongs to another recipient now
    REFUSED = "refused"
    ALLOWED = "allowed"
    WITHDRAWN = "withdrawn"  # the preference was removed
    SUPPRESSED = "suppressed"
    LIFTED = "lifted"
    STOPPED = "stopped"  # somebody wrote STOP to a sender of text messages
    RESUMED = "resumed"  # and undid it


class Entry(NamedTuple):
    """A change of a recipient's contact or preference, or of an address, whoever has it.

    ``masked`` is the address as people may see it; ``detail`` is the reason, or the scope of a
    preference.
    """

    change: Change
    recipient_id: int | None = None
    channel: str = ""
    address_index: bytes | None = None
    masked: str = ""
    detail: str = ""


_INSERT = """
    INSERT INTO preferences_directorychange (at, actor_kind, actor, publisher_id, remote_address,
        change, recipient_id, channel, address_index, masked, detail)
    SELECT now(), %s, %s, %s::bigint, %s::inet, w.*
    FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bytea[], %s::text[], %s::text[]) AS w"""
# Ids grow with time, so the oldest rows are found without an index on it.
_PURGE = """
    WITH oldest AS (SELECT id, at FROM preferences_directorychange ORDER BY id LIMIT %(most)s)
    DELETE FROM preferences_directorychange c USING oldest o
    WHERE c.id = o.id AND o.at < %(before)s"""


def record(entries: Iterable[Entry], by: Actor | None = None) -> None:
    """Write the entries; the actor is ``by``, or else that of the current request or command."""
    rows = list(entries)
    if not rows:
        return
    actor = by or audit.current_actor()
    change, recipient, channel, index, masked, detail = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                actor.kind,
                actor.name[:LONGEST_ACTOR],
                actor.publisher_id,
                actor.remote_address,
                arrays.texts(change),
                arrays.numbers(recipient),
                arrays.texts(channel),
                arrays.blobs(index),
                arrays.texts(masked),
                arrays.texts(text[:DETAIL] for text in detail),
            ],
        )
    tally = Tally(change)
    transaction.on_commit(lambda: _count(actor.kind, tally))


def record_reported(entries: Iterable[tuple[str, Entry]]) -> None:
    """Write entries, each with the provider that reported the change, which is its actor.

    Where the provider is empty, the actor is that of the current request or command.
    """
    by_provider: dict[str, list[Entry]] = defaultdict(list)
    for provider, entry in entries:
        by_provider[provider].append(entry)
    for provider in sorted(by_provider):
        record(by_provider[provider], Actor(PROVIDER, provider) if provider else None)


def of_person(recipient_id: int) -> QuerySet[DirectoryChange]:
    """Return changes of a recipient's contacts and preferences, and of their addresses.

    Newest first, including addresses that they had.
    """
    addresses = Contact.objects.filter(recipient=recipient_id).exclude(channel=INBOX)
    found = Q(recipient=recipient_id)
    for channel, index in addresses.values_list("channel", "address_index")[:MOST_ADDRESSES]:
        found |= Q(channel=channel, address_index=index, recipient=None)
    return DirectoryChange.objects.filter(found).order_by("-id")


def of_address(channel: str, index: bytes) -> QuerySet[DirectoryChange]:
    """Return the newest ``MOST_SHOWN`` changes of an address, whoever has it."""
    rows = DirectoryChange.objects.filter(channel=channel, address_index=index)
    return rows.order_by("-id")[:MOST_SHOWN]


def purge() -> int:
    """Delete entries older than ``AUDIT_DAYS``; return how many."""
    return old_rows.delete(_PURGE, clock.moment() - timedelta(days=settings.AUDIT_DAYS))


def _count(kind: str, tally: Tally[Change]) -> None:
    for change, number in tally.items():
        CHANGES.labels(kind, change).inc(number)
