"""From a schedule's rule to a timetable, and to the occurrences that are shown."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.schedules.models import Schedule
from notifier.recurrence import cron, rrule
from notifier.recurrence.rules import InvalidRule
from notifier.recurrence.timetable import Timetable

#: Upcoming occurrences that are shown.
SHOWN = 5


def timetable(schedule: Schedule) -> Timetable:
    """Return the timetable of a schedule.

    Raises ``InvalidRule`` for a rule that is not one, or where this machine does not know the zone.
    """
    start = datetime.fromisoformat(schedule.starts_at_local)
    rule = rrule.parse(schedule.rrule, start) if schedule.rrule else cron.parse(schedule.cron)
    try:
        zone = ZoneInfo(schedule.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidRule(f"There is no time zone {schedule.time_zone!r} here.") from None
    ends = schedule.ends_at_local
    return Timetable(rule, zone, start, datetime.fromisoformat(ends) if ends else None)


def next_occurrence(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the occurrence that follows a moment. Raises ``InvalidRule``."""
    if schedule.count is not None and schedule.runs >= schedule.count:
        return None
    return next(timetable(schedule).after(after), None)


def upcoming(schedule: Schedule, now: datetime) -> Sequence[datetime]:
    """Return the next ``SHOWN`` occurrences, in its zone; of a paused one as if it were resumed."""
    if schedule.next_at is None and schedule.paused_at is None:
        return ()
    left = SHOWN if schedule.count is None else min(SHOWN, schedule.count - schedule.runs)
    try:
        table = timetable(schedule)
    except InvalidRule:
        return ()
    after = max(schedule.over_until, now) if schedule.paused_at else schedule.over_until
    return [one.astimezone(table.zone) for one in islice(table.after(after), max(left, 0))]


def occurrence_id(occurrence: datetime) -> str:
    """Return the text that tells an occurrence from the others of its schedule."""
    return occurrence.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
