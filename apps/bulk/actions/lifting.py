"""Lift all suppressions that match."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from apps.bulk.actions import passes
from apps.bulk.actions.base import Batch, Event, Step, moment
from apps.bulk.models import BulkAction
from apps.preferences.consent import suppressions
from apps.preferences.models import Suppression, SuppressionReason
from apps.publishers.audit import Actor

#: Suppressions lifted in one transaction.
AT_ONCE = 500
#: Reasons for which suppressions are lifted together. What the owners of addresses said is undone
#: one by one.
REASONS = (
    SuppressionReason.HARD_BOUNCE,
    SuppressionReason.DEAD_ADDRESS,
    SuppressionReason.MANUAL,
)
_TIMES = ("since", "until")


class Lifting:
    """Lift suppressions that were there when it was asked for, but opt-outs and complaints.

    ``match``: columns of suppressions, ``since`` and ``until`` when they were made, and ``why``
    they are lifted.
    """

    criteria = ("channel", "reason", "provider", "error", "publisher_id", *_TIMES, "why")

    def total(self, row: BulkAction) -> int:
        return _left(row).count()

    def batches(self, row: BulkAction) -> Iterator[Batch]:
        yield self._step

    def _step(self, row: BulkAction) -> Step:
        found, behind = passes.next_rows(_left(row), ["id"], row.cursor, AT_ONCE)
        why = row.match.get("why", "")
        suppressions.lift(found, why, Actor(row.asked_kind, row.asked_by))
        events: dict[Event, Mapping[str, Any]] = {}
        if found:
            event = Event("lift", "suppression", "", None)
            events[event] = {"rows": len(found), "match": row.match, "bulk_action": str(row.pk)}
        cursor, waits = passes.further(behind, _left(row))
        return Step(len(found), {"lifted": len(found)}, cursor, events, waits)


def _left(row: BulkAction) -> QuerySet[Suppression]:
    match = row.match
    rows = Suppression.objects.filter(reason__in=REASONS, created_at__lte=row.requested_at)
    since, until = (moment(match, name) for name in _TIMES)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    columns = {name: match[name] for name in match if name not in (*_TIMES, "why")}
    return rows.filter(**columns)
