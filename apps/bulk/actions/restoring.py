"""Undo what one error of a provider disabled and suppressed."""

from collections.abc import Iterator

from apps.bulk.actions.base import Batch, Event, Step, moment
from apps.bulk.models import BulkAction
from apps.delivery.flow import lost_addresses
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause, Place


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
        *place, before = map(int, row.cursor.split() or (0, 0, 0))
        done, further, skipped = lost_addresses.restore_some(_cause(row), Place(*place))
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


def _cause(row: BulkAction) -> Cause:
    cause = Cause(row.match["provider"], row.match.get("error"))
    until = moment(row.match, "until")
    return Cause(
        cause.provider,
        cause.error,
        moment(row.match, "since") or cause.since,
        row.requested_at if until is None else min(until, row.requested_at),
    )
