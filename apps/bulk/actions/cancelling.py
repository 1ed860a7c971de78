"""Cancel all notifications that match."""

from collections.abc import Iterator, Sequence
from functools import partial
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.api import pagination
from apps.bulk.actions.base import Batch, Event, Step, moment
from apps.bulk.models import BulkAction
from apps.core.row_windows import row_window
from apps.delivery import selectors
from apps.delivery import state as delivery_state
from apps.delivery.models import Notification, NotificationKind
from apps.delivery.operations import search
from apps.delivery.operations.search import Wanted
from apps.delivery.selectors import NotificationState

#: Notifications that are looked at together for whether anything of them is open.
AT_ONCE = 1_000
_OPEN = (NotificationState.SCHEDULED, NotificationState.SENDING)
_WANTED = ("reference", "topic", "category")
_FIELDS = ("topic_id", "priority", "kind")
_SEARCHED = ("notification_id", "topic_ids", "recipient_id", "template_version_ids")


class Cancelling:
    """Cancel notifications that were posted before it was asked for, the oldest first.

    ``match``: the criteria of a publisher's list (``Wanted``), or those of the admin's, with what
    its search found (``search.searched``) when this was asked for. What is done, or cancelled,
    stays as it is, and so does what has nothing left but dead letters: of what is cancelled,
    nothing can be redriven.

    Each is cancelled in a transaction of its own, since a cancel waits for claims: with the locks
    of another one in hand it might wait for a claim that waits for these.
    """

    criteria = (*_WANTED, *_FIELDS, "state", "since", "until", *_SEARCHED)

    def total(self, row: BulkAction) -> int:
        rows, rest = _rows(row)
        return rows.filter(rest).count()

    def batches(self, row: BulkAction) -> Iterator[Batch]:
        rows, rest = _rows(row)
        if row.cursor:
            rows = rows.filter(pk__gt=UUID(row.cursor))
        rows, end = row_window(rows, "id", pagination.MOST_EXAMINED)
        found = list(rows.filter(rest).order_by("id").defer("content")[:AT_ONCE])
        if len(found) == AT_ONCE:
            end = found[-1].pk
        still_open = _still_open(found, row.match.get("state"))
        passed = 0
        for one in found:
            if one.pk in still_open:
                yield partial(_cancel, one, passed)
                passed = 0
            else:
                passed += 1
        yield partial(_pass, passed, end)


def _cancel(one: Notification, passed: int, row: BulkAction) -> Step:
    """Cancel one, behind so many that stay as they are."""
    cancelled = delivery_state.cancel(one.pk)
    counts = {"cancelled": int(cancelled), "unchanged": passed + (not cancelled)}
    event = Event("cancel", "notification", str(one.pk), one.publisher_id)
    events = {event: {"bulk_action": str(row.pk)}} if cancelled else {}
    return Step(passed + 1, counts, str(one.pk), events)


def _pass(passed: int, end: UUID | None, row: BulkAction) -> Step:
    """Pass over so many that stay as they are, the last ones up to ``end``."""
    counts = {"cancelled": 0, "unchanged": passed}
    return Step(passed, counts, None if end is None else str(end))


def _still_open(found: Sequence[Notification], state: str | None) -> set[UUID]:
    """Return the ids of those of which something is still to be sent, in ``state`` if given."""
    wanted = _OPEN if state is None else (NotificationState(state),)
    progress = selectors.progress_of(found)
    return {key for key, one in progress.items() if one.state in wanted}


def _rows(row: BulkAction) -> tuple[QuerySet[Notification], Q]:
    """Return the notifications by one index, and the condition of the rest."""
    match = row.match
    times = {name: moment(match, name) for name in ("since", "until")}
    wanted = Wanted(
        **{name: match[name] for name in _WANTED if name in match},
        state=NotificationState(match["state"]) if "state" in match else None,
        since=times["since"],
        until=times["until"],
    )
    # An id has the time of the process that made it, which its clock may have wrong.
    before = search.first_id(row.requested_at, search.CLOCKS_APART)
    searched = {name: match[name] for name in _SEARCHED if name in match}
    if row.publisher_id is not None and not searched:
        rows, rest = search.notifications(row.publisher_id, wanted)
    else:
        if "reference" in match:
            searched["reference"] = match["reference"]
        base, rest = search.found_by(searched, before) if searched else (Q(), Q())
        rows = Notification.objects.filter(base)
        if row.publisher_id is not None:
            rest &= Q(publisher=row.publisher_id)
    if "kind" not in match:
        rest &= Q(kind=NotificationKind.PUBLISHED)
    rest &= Q(cancelled_at=None, **{name: match[name] for name in _FIELDS if name in match})
    return rows.filter(pk__lt=before), rest & Q(created_at__lte=row.requested_at)
