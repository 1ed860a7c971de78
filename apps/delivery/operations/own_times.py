"""Send times of a dry run by each person's own clock: local times and quiet hours."""

from collections.abc import Collection
from typing import NamedTuple

from apps.core import clock
from apps.delivery.fanout.local_time import LocalTimes
from apps.delivery.intake.drafts import SKIP
from apps.delivery.intake.rows import NewNotification
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import quiet_hours
from apps.delivery.sending.notifications import NotificationContext
from apps.preferences.models import Recipient
from apps.preferences.quiet_hours import schedules
from notifier.domain.outcomes import Reason

#: The reason for those for whom it is not that local time yet.
SCHEDULED = "scheduled"
#: The reason for those for whom it was, and whom the publisher has it skip.
PASSED = "local_time_passed"


class Turn(NamedTuple):
    """The time at which somebody would get it.

    ``reason``: why not at once; empty if they would. ``due``: unix seconds; ``None`` for never.
    """

    reason: str
    due: float | None


class OwnTimes:
    """Finds those who would not get a notification when the others do, for their own clocks."""

    def __init__(self, new: NewNotification, context: NotificationContext, channel: str) -> None:
        self._context = context
        self._channel = channel
        self._local = LocalTimes(new) if new.send_at_local else None
        self._skips = new.local_time_passed == SKIP
        self._quiet = quiet_hours.columns(Queue(channel, new.priority))

    def turns(
        self, recipient_ids: Collection[int | None], *, quiet: bool
    ) -> dict[int | None, Turn]:
        """Return when these recipients get it who do not get it when the others do.

        ``None`` stands for bare endpoints. ``quiet``: quiet hours are asked as well.
        """
        quiet = quiet and self._quiet.may_wait and self._context.may_wait
        if self._local is None and not quiet:
            return {}
        found: dict[int | None, Turn] = {}
        if None in recipient_ids and (turn := self._local_turn("")) is not None:
            found[None] = turn
        ids = [recipient_id for recipient_id in recipient_ids if recipient_id is not None]
        people = Recipient.objects.filter(pk__in=ids).only("user_id", "time_zone", "quiet_hours")
        if self._local is None and not self._quiet.company:
            people = people.filter(quiet_hours__isnull=False)
        now = clock.now()
        for person in people:
            turn = self._local_turn(person.time_zone)
            if turn is None and quiet:
                turn = self._quiet_turn(person, now)
            if turn is not None:
                found[person.pk] = turn
        return found

    def _local_turn(self, time_zone: str) -> Turn | None:
        """Return when people of a zone get it; ``None`` for at once, or without a local time."""
        if self._local is None:
            return None
        due = self._local.due(time_zone)
        if not self._local.passed(due):
            return Turn(SCHEDULED, due)
        return Turn(PASSED, None) if self._skips else None

    def _quiet_turn(self, person: Recipient, now: float) -> Turn | None:
        """Return when somebody gets it for whom it is quiet now; ``None`` if it is not."""
        until = quiet_hours.deferred_until(
            self._channel, self._context, schedules.of(person), person.pk, now
        )
        return None if until is None else Turn(Reason.QUIET_HOURS, until)
