"""From a schedule's rule to a timetable, to what is due, and to occurrences as they are shown."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.delivery.intake.accept import CUT_BEFORE
from apps.schedules.models import Schedule
from notifier.domain.times import local_time
from notifier.recurrence import cron, own_zones, planning, rrule
from notifier.recurrence.local_time import FORMAT, shown
from notifier.recurrence.planning import Misfire, Plan
from notifier.recurrence.rules import InvalidRule
from notifier.recurrence.timetable import Timetable

#: Upcoming occurrences that are shown.
SHOWN = 5
#: Time before an occurrence on recipients' own clocks begins at which it is run: enough to cut a
#: large audience by zones.
LEAD = CUT_BEFORE + timedelta(minutes=1)


def clocks(schedule: Schedule) -> tzinfo:
    """Return the clocks that its rule is on; of all recipients' own, those that are ahead.

    Raises ``InvalidRule`` where this machine does not know the zone.
    """
    if schedule.in_own_zones:
        return local_time.FIRST
    try:
        return ZoneInfo(schedule.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidRule(f"There is no time zone {schedule.time_zone!r} here.") from None


def timetable(schedule: Schedule) -> Timetable:
    """Return the timetable of a schedule.

    Raises ``InvalidRule`` for a rule that is not one, or where this machine does not know the zone.
    """
    start = datetime.fromisoformat(schedule.starts_at_local)
    rule = rrule.parse(schedule.rrule, start) if schedule.rrule else cron.parse(schedule.cron)
    ends = schedule.ends_at_local
    return Timetable(rule, clocks(schedule), start, datetime.fromisoformat(ends) if ends else None)


def plan(schedule: Schedule, now: datetime) -> Plan:
    """Plan for a schedule's occurrences that are due. Raises ``InvalidRule``."""
    table, misfire = timetable(schedule), Misfire(schedule.misfire)
    seconds = schedule.expires_after
    expires = None if seconds is None else timedelta(seconds=seconds)
    if not schedule.in_own_zones:
        return planning.plan(table, schedule.over_until, now, misfire, expires)
    made = own_zones.plan(
        table, schedule.over_until, now, misfire, lead=LEAD, expires_after=expires
    )
    last = schedule.count is not None and schedule.runs + 1 >= schedule.count
    return replace(made, superseded=False) if last else made


def expires_at(schedule: Schedule, occurrence: datetime) -> datetime | None:
    """Return when the notification of an occurrence expires, counted from its last zone's time."""
    if schedule.expires_after is None:
        return None
    over = occurrence + local_time.AROUND if schedule.in_own_zones else occurrence
    return over + timedelta(seconds=schedule.expires_after)


def next_occurrence(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the occurrence that follows a moment. Raises ``InvalidRule``."""
    if schedule.count is not None and schedule.runs >= schedule.count:
        return None
    return next(timetable(schedule).after(after), None)


def due(schedule: Schedule, occurrence: datetime | None) -> datetime | None:
    """Return when an occurrence is to be run."""
    if occurrence is None or not schedule.in_own_zones:
        return occurrence
    return occurrence - LEAD


def upcoming(schedule: Schedule, now: datetime) -> Sequence[datetime]:
    """Return the next ``SHOWN`` occurrences, on its clocks; of a paused one as if it were resumed.

    What is on each recipient's own clocks is in the zone where it is that time first.
    """
    if schedule.next_at is None and schedule.paused_at is None:
        return ()
    left = SHOWN if schedule.count is None else min(SHOWN, schedule.count - schedule.runs)
    try:
        table = timetable(schedule)
    except InvalidRule:
        return ()
    after = max(schedule.over_until, now) if schedule.paused_at else schedule.over_until
    return [one.astimezone(table.zone) for one in islice(table.after(after), max(left, 0))]


def local(schedule: Schedule, occurrence: datetime) -> str:
    """Return an occurrence on recipients' own clocks as a local time; empty for any other."""
    return on_the_wall(occurrence).strftime(FORMAT) if schedule.in_own_zones else ""


def on_the_wall(occurrence: datetime) -> datetime:
    """Return the local time, without a zone, of an occurrence on recipients' own clocks."""
    return shown(occurrence, local_time.FIRST)


def occurrence_at(schedule: Schedule, named: datetime) -> datetime:
    """Return the moment of the occurrence that is named by it, or by a time without a zone.

    Such a one is on recipients' own clocks, and UTC for any other schedule.
    """
    if named.tzinfo is not None:
        return named
    return named.replace(tzinfo=local_time.FIRST if schedule.in_own_zones else UTC)


def occurrence_id(occurrence: datetime) -> str:
    """Return the text that tells an occurrence from the others of its schedule."""
    return occurrence.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
