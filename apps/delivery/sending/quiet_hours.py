"""Quiet hours: what a claim would send to people for whom it is quiet now is deferred.

Nothing that is critical or of high priority waits, and nothing on channels that disturb nobody.
What was deferred is claimed again when the quiet hours end, or when it expires, and judged anew.
"""

from collections.abc import Mapping, Sequence
from zlib import crc32

from django.conf import settings

from apps.core import clock
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending.notifications import NotificationContext
from apps.delivery.state import Claimed, QuietColumns, deferral
from apps.delivery.state.deferral import Deferred
from apps.preferences.quiet_hours import schedules
from apps.preferences.quiet_hours.schedules import COMPANY, OWN
from notifier.domain.outcomes import Reason
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState
from notifier.domain.times.quiet_hours import QuietHours

#: Seconds after the end of quiet hours before which nothing is sent: a process knows the database's
#: clock to about a second.
MARGIN = 2.0
#: People with neighbouring ids who are sent what waits at the same moment. Their rows lie together
#: in the tables: a claim of people picked one by one reads and writes as many pages as it has rows.
TOGETHER = 16

_NEVER = QuietColumns()


def columns(queue: Queue) -> QuietColumns:
    """Return which recipients of the queue's claims come with their quiet hours."""
    if queue.priority == Priority.HIGH or not schedules.may_disturb(queue.channel):
        return _NEVER
    return QuietColumns(True, schedules.company(queue.channel))


def hold_back(
    queue: Queue, rows: Sequence[Claimed], contexts: Mapping[str, NotificationContext]
) -> list[Claimed]:
    """Defer those of a claim's deliveries that would disturb people in their quiet hours.

    Returns ``rows`` with their new states. What expires before the quiet hours end is due when it
    expires. A fallback, and each of its steps, keeps its distance to the other channels, which wait
    as well; where it is quiet again then, it waits for the end of that.
    """
    asked = [
        row for row in rows if row.time_zone is not None and row.state == DeliveryState.SENDING
    ]
    if not asked:
        return list(rows)
    now = clock.now()
    deferred: dict[int, Deferred] = {}
    for row in asked:
        assert row.time_zone is not None
        quiet = schedules.compiled(row.quiet_hours, row.time_zone)
        context = contexts[row.notification_id]
        person = row.recipient_id
        assert person is not None  # who has a zone
        until = deferred_until(queue.channel, context, quiet, person, now, row.step)
        if until is None:
            continue
        whose = COMPANY if row.quiet_hours is None else OWN
        deferred[row.delivery_id] = Deferred(row.delivery_id, until, whose)
    if not deferred:
        return list(rows)
    deferral.defer_deliveries(list(deferred.values()), Reason.QUIET_HOURS)
    return [
        row._replace(state=DeliveryState.RETRYING) if row.delivery_id in deferred else row
        for row in rows
    ]


def deferred_until(
    channel: str,
    context: NotificationContext,
    quiet: QuietHours,
    recipient_id: int,
    now: float,
    step: int = 0,
) -> float | None:
    """Return until when (unix seconds) a message to this person waits; ``None`` if it does not.

    ``step``: of the notification's fallback; 0 for its channels.
    """
    if channel not in quiet.schedule.channels or not (found := quiet.stretch(now)).quiet:
        return None
    if not context.may_wait:
        return None
    until = _end(quiet, now, recipient_id)
    if distance := context.distance(channel, step):
        until += distance
        if until >= found.ends + found.free:
            # Without its distance this time, which might lead into quiet hours for ever.
            until = _end(quiet, until, recipient_id)
    if context.row.expires_at is not None:
        until = min(until, context.row.expires_at.timestamp())
    return until


def share_of(recipient_id: int) -> float:
    """Return the share, of the time over which a morning is spread, after which a person's turn is.

    The same for all messages to a person, which so stay in their order.
    """
    return crc32(b"%d" % (recipient_id // TOGETHER)) / 2**32


def _end(quiet: QuietHours, at: float, recipient_id: int) -> float:
    """Return when to send a person what is due at a time (unix seconds); that time if not quiet."""
    until = quiet.deferral(at, share_of(recipient_id), settings.QUIET_HOURS_SPREAD)
    return at if until is None else until + MARGIN
