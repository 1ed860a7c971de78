"""Undo what one error of a provider disabled and suppressed."""

import re
from collections.abc import Iterator

from apps.bulk.actions.base import Batch, Event, Step, moment
from apps.bulk.models import BulkAction
from apps.delivery.flow import lost_addresses
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause, Place

_CURSOR = re.compile("[0-9]+ [0-9]+ [0-9]+")


class Restoring:
    """Enable contacts and lift suppressions of one cause.

    ``match``: ``provider``, and perhaps ``error``, ``since`` and ``until``, as of a ``Cause``. What
    the error does after this was asked for is none of it. A pass goes over those that others have
    locked; another one comes back to them, until nothing is left.
    """

    criteria = ("provider", "error", "since", "until")

    def total(self, row: BulkAction) -> int:
        return sum(restoration.count(_cause(row)))

    def batches(self, row: BulkAction) -> Iterator[Batch]:
        yield self._step

    def _step(self, row: BulkAction) -> Step:
        contact, suppression, before = _place(row.cursor)
        place = Place(contact, suppression)
        done, further, skipped = lost_addresses.restore_some(_cause(row), place)
        number = done.contacts + done.suppressions
        said = {**row.match, **done._asdict(), "bulk_action": str(row.pk)}
        events = {Event("restore", "lost_addresses", row.match["provider"], None): said}
        skipped += before
        waits = further is None and skipped > 0
        cursor = None
        if further is not None:
            cursor = f"{further.contact} {further.suppression} {skipped > 0:d}"
        elif waits:
            cursor = "0 0 0"
        return Step(number, done._asdict(), cursor, events if number else {}, waits)


def _place(cursor: str) -> tuple[int, int, int]:
    """Return behind which contact and suppression it goes on, and whether any were passed over.

    An action that another version began begins anew: its cursor says something else, and what it
    has restored is found no more.
    """
    known = cursor if _CURSOR.fullmatch(cursor) else "0 0 0"
    contact, suppression, before = map(int, known.split())
    return contact, suppression, before


def _cause(row: BulkAction) -> Cause:
    cause = Cause(row.match["provider"], row.match.get("error"))
    until = moment(row.match, "until")
    return Cause(
        cause.provider,
        cause.error,
        moment(row.match, "since") or cause.since,
        row.requested_at if until is None else min(until, row.requested_at),
    )
