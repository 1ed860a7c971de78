"""Undo a provider's mistake: enable the contacts and lift the suppressions that it caused.

The cause is one error of a provider in a span of time. What people did themselves is never undone:
opt-outs and complaints stay suppressed, and a contact that was removed or moved to another
recipient stays disabled.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import PUSH
from apps.preferences.contacts.services import contacts_written, lock_tokens
from apps.preferences.models import Contact, SuppressionReason

#: Contacts, and suppressions, restored in one transaction, which takes about a second.
AT_ONCE = 5_000
#: Reasons that come from a provider alone, which may have been wrong.
RESTORABLE = [str(SuppressionReason.DEAD_ADDRESS), str(SuppressionReason.HARD_BOUNCE)]
_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cause:
    """A provider's error from ``since`` until before ``until``.

    ``error`` is the provider's code, empty for errors without a code, ``None`` for any error.
    """

    provider: str
    error: str | None = None
    since: datetime = _BEGINNING
    until: datetime = _END


class Place(NamedTuple):
    """The last contact and the last suppression that were looked at."""

    contact: int = 0
    suppression: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """Contacts and suppressions to restore: by id, the delivery for which they were given up."""

    contacts: Mapping[int, int | None]
    suppressions: Mapping[int, int | None]

    @property
    def deliveries(self) -> set[int]:
        found = {*self.contacts.values(), *self.suppressions.values()}
        return {delivery_id for delivery_id in found if delivery_id is not None}

    def without(self, deliveries: Collection[int]) -> "Lost":
        """Return it without what was given up for these deliveries."""
        contacts, suppressions = (
            {key: delivery_id for key, delivery_id in rows.items() if delivery_id not in deliveries}
            for rows in (self.contacts, self.suppressions)
        )
        return Lost(contacts, suppressions)

    def end(self, place: Place) -> Place:
        """Return the place behind these, which begin behind ``place``."""
        return Place(
            max(self.contacts, default=place.contact),
            max(self.suppressions, default=place.suppression),
        )

    def __len__(self) -> int:
        return len(self.contacts) + len(self.suppressions)


class Restored(NamedTuple):
    """The number of contacts enabled and of suppressions lifted.

    ``deliveries`` are the ids of those for which the provider had reported the error.
    """

    contacts: int
    suppressions: int
    deliveries: Sequence[int]


class Restorable(NamedTuple):
    """The number of contacts and of suppressions that a restoration would restore."""

    contacts: int
    suppressions: int


class Summary(NamedTuple):
    """The effect of one provider's error: contacts disabled, suppressions, first and last time."""

    provider: str
    error: str
    contacts: int
    suppressions: int
    first: datetime
    last: datetime


# A token belongs to whoever had it last, so an earlier holder's row is not restored.
_CONTACTS = f"""
    FROM preferences_contact c
    WHERE c.state = 'disabled' AND c.disabled_by <> '' AND c.disabled_reason = ANY(%(reasons)s)
        AND c.disabled_at >= %(since)s AND c.disabled_at < %(until)s
        AND NOT EXISTS (
            SELECT FROM preferences_contact o
            WHERE c.channel = '{PUSH}' AND o.channel = c.channel
                AND o.address_index = c.address_index AND o.id <> c.id
                AND (o.state = 'active' OR o.disabled_at > c.disabled_at))"""
_SUPPRESSIONS = """
    FROM preferences_suppression s
    WHERE s.provider <> '' AND s.reason = ANY(%(reasons)s)
        AND s.created_at >= %(since)s AND s.created_at < %(until)s"""
_OF = """
        AND {row}.{provider} = %(provider)s
        AND (%(error)s::text IS NULL OR {row}.{error} = %(error)s)"""
_OF_CONTACT = _OF.format(row="c", provider="disabled_by", error="disabled_error")
_OF_SUPPRESSION = _OF.format(row="s", provider="provider", error="error")
_FIND_CONTACTS = f"""
    SELECT c.id, c.disabled_delivery {_CONTACTS} {_OF_CONTACT} AND c.id > %(after)s
    ORDER BY c.id LIMIT %(most)s"""
_FIND_SUPPRESSIONS = f"""
    SELECT s.id, s.delivery_id {_SUPPRESSIONS} {_OF_SUPPRESSION} AND s.id > %(after)s
    ORDER BY s.id LIMIT %(most)s"""
# Locked first, so that a concurrent registration of one of these devices wins.
_TOKENS = f"""
    SELECT c.address_index {_CONTACTS} {_OF_CONTACT} AND c.channel = '{PUSH}'
        AND c.id = ANY(%(contacts)s)"""
_ENABLE = f"""
    WITH lost AS (
        SELECT c.id, c.disabled_delivery {_CONTACTS} {_OF_CONTACT} AND c.id = ANY(%(contacts)s)
        ORDER BY c.id FOR UPDATE SKIP LOCKED)
    UPDATE preferences_contact c
    SET state = 'active', disabled_reason = '', disabled_by = '', disabled_error = '',
        disabled_delivery = NULL, disabled_at = NULL, updated_at = now()
    FROM lost WHERE c.id = lost.id
    RETURNING lost.disabled_delivery, c.recipient_id, c.channel, c.address_index, c.masked"""
_LIFT = f"""
    DELETE FROM preferences_suppression d USING (
        SELECT s.id {_SUPPRESSIONS} {_OF_SUPPRESSION} AND s.id = ANY(%(suppressions)s)
        ORDER BY s.id FOR UPDATE SKIP LOCKED) lost
    WHERE d.id = lost.id
    RETURNING d.delivery_id, d.channel, d.address_index, d.masked"""
_SUMMARY = f"""
    SELECT provider, error, sum(contacts)::bigint, sum(suppressions)::bigint, min(at), max(at)
    FROM (
        SELECT c.disabled_by AS provider, c.disabled_error AS error, c.disabled_at AS at,
            1 AS contacts, 0 AS suppressions {_CONTACTS}
        UNION ALL
        SELECT s.provider, s.error, s.created_at, 0, 1 {_SUPPRESSIONS}) lost
    GROUP BY 1, 2 ORDER BY max(at) DESC"""


def summaries(since: datetime, until: datetime = _END) -> list[Summary]:
    """Return what could be restored from ``since`` until before ``until``.

    One row for each provider's error, newest first.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SUMMARY, {"reasons": RESTORABLE, "since": since, "until": until})
        return [Summary(*row) for row in cursor.fetchall()]


def count(cause: Cause) -> Restorable:
    """Return how many contacts and how many suppressions there are to restore in all."""
    found: list[int] = []
    with connection.cursor() as cursor:
        for rows in (_CONTACTS + _OF_CONTACT, _SUPPRESSIONS + _OF_SUPPRESSION):
            cursor.execute(f"SELECT count(*) {rows}", _parameters(cause))
            found.append(cursor.fetchone()[0])
    return Restorable(*found)


def find(cause: Cause, after: Place) -> Lost:
    """Return the next ``AT_ONCE`` contacts and as many suppressions, in the order of their ids."""
    parameters = _parameters(cause)
    with connection.cursor() as cursor:
        cursor.execute(_FIND_CONTACTS, {**parameters, "after": after.contact})
        contacts = dict(cursor.fetchall())
        cursor.execute(_FIND_SUPPRESSIONS, {**parameters, "after": after.suppression})
        return Lost(contacts, dict(cursor.fetchall()))


@transaction.atomic
def restore(cause: Cause, lost: Lost) -> Restored:
    """Enable these contacts and lift these suppressions.

    Those that another transaction has locked are skipped: find them again.
    """
    parameters: dict[str, Any] = {
        **_parameters(cause),
        "contacts": list(lost.contacts),
        "suppressions": list(lost.suppressions),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOKENS, parameters)
        lock_tokens(bytes(index) for (index,) in cursor.fetchall())
        cursor.execute(_ENABLE, parameters)
        enabled = cursor.fetchall()
        cursor.execute(_LIFT, parameters)
        lifted = cursor.fetchall()
    why = f"restored: {cause.provider} {cause.error or ''}".rstrip()
    audit_trail.record(
        Entry(Change.CONTACT_ENABLED, person, channel, bytes(index), masked, why)
        for _, person, channel, index, masked in enabled
        if person is not None
    )
    audit_trail.record(
        Entry(Change.LIFTED, None, channel, bytes(index), masked, why)
        for _, channel, index, masked in lifted
    )
    if people := {person for _, person, *_ in enabled if person is not None}:
        contacts_written.send(Contact, recipient_ids=people)
    deliveries = {row[0] for row in (*enabled, *lifted)}
    return Restored(
        len(enabled),
        len(lifted),
        sorted(row for row in deliveries if row is not None),
    )


def _parameters(cause: Cause) -> dict[str, str | int | datetime | list[str] | None]:
    return {
        "provider": cause.provider,
        "error": cause.error,
        "since": cause.since,
        "until": cause.until,
        "reasons": RESTORABLE,
        "most": AT_ONCE,
    }
