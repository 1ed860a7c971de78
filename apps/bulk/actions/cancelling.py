"""Cancel all notifications that match."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.api import pagination
from apps.bulk.actions.base import Event, Step, moment
from apps.bulk.models import BulkAction
from apps.core.row_windows import look_through
from apps.delivery import state as delivery_state
from apps.delivery.models import Notification, NotificationKind
from apps.delivery.operations import finding
from apps.delivery.operations.finding import Wanted
from apps.delivery.selectors import NotificationState

#: Notifications cancelled in one transaction; each may have thousands of deliveries that wait.
AT_ONCE = 20
_WANTED = ("reference", "topic", "category")
_FIELDS = ("topic_id", "priority", "kind")


class Cancelling:
    """Cancel notifications that were posted before it was asked for, the oldest first.

    ``match``: the criteria of a publisher's list (``Wanted``), or those of the admin's: ``q`` is
    what was searched, or ``recipient_id`` whom. What is done, or cancelled, stays as it is.
    """

    criteria = (*_WANTED, *_FIELDS, "state", "since", "until", "q", "recipient_id")

    def total(self, row: BulkAction) -> int:
        rows, rest = _rows(row)
        return rows.filter(rest).count()

    def step(self, row: BulkAction) -> Step:
        rows, rest = _rows(row)
        if row.cursor:
            rows = rows.filter(pk__gt=UUID(row.cursor))
        rows, end = look_through(rows, "id", pagination.LOOK_THROUGH)
        found = list(rows.filter(rest).order_by("id").defer("content")[:AT_ONCE])
        if len(found) == AT_ONCE:
            end = found[-1].pk
        wanted = found
        if "state" in row.match:
            state = NotificationState(row.match["state"])
            wanted = finding.in_state(found, state, lambda one: one)
        cancelled = [one for one in wanted if delivery_state.cancel(one.pk)]
        events: dict[Event, Mapping[str, Any]] = {
            Event("cancel", "notification", str(one.pk), one.publisher_id): {
                "bulk_action": str(row.pk)
            }
            for one in cancelled
        }
        counts = {"cancelled": len(cancelled), "unchanged": len(found) - len(cancelled)}
        return Step(len(found), counts, None if end is None else str(end), events)


def _rows(row: BulkAction) -> tuple[QuerySet[Notification], Q]:
    """Return the notifications by one index, and the condition of the rest."""
    match = row.match
    times = {name: moment(match, name) for name in ("since", "until")}
    wanted = Wanted(
        **{name: match[name] for name in _WANTED if name in match},
        since=times["since"],
        until=times["until"],
    )
    searched = "q" in match or "recipient_id" in match
    if row.publisher_id is not None and not searched:
        rows, rest = finding.notifications(row.publisher_id, wanted)
    else:
        base, rest = finding.notifications_like(match["q"]) if "q" in match else (Q(), Q())
        if "recipient_id" in match:
            base &= finding.of_person(match["recipient_id"])
        rows = Notification.objects.filter(base)
        if row.publisher_id is not None:
            rest &= Q(publisher=row.publisher_id)
    if "kind" not in match:
        rest &= Q(kind=NotificationKind.PUBLISHED)
    rest &= Q(cancelled_at=None, **{name: match[name] for name in _FIELDS if name in match})
    return rows.filter(pk__lt=row.pk), rest
