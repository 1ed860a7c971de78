"""Planning for each recipient's own zone: there an occurrence is a time on the wall.

It begins where it is that time first, and is over where it is that time last, more than a day
later. Its timetable is on the clocks of ``notifier.domain.times.local_time.FIRST``: an occurrence
stands there for the moment at which it begins, and the clocks of those zones make the rest of it.
So several occurrences may be under way at once, and one that is found late is still to come for
most: each is run, the oldest first, unless it is over everywhere.
"""

from datetime import datetime, timedelta

from notifier.domain.times.local_time import AROUND
from notifier.recurrence.planning import GRACE, Misfire, Plan, missed_before
from notifier.recurrence.timetable import Timetable


def plan(
    timetable: Timetable,
    over_until: datetime,
    now: datetime,
    misfire: Misfire,
    *,
    lead: timedelta,
    expires_after: timedelta | None = None,
) -> Plan:
    """Plan for the occurrences after ``over_until`` that begin until ``now + lead``.

    ``lead``: how long before it begins an occurrence is to be run. ``expires_after``: how long
    after the last zone's time the latest one may be run at all.

    Of occurrences that are over everywhere, the latest is run once if ``misfire`` says so, and if
    none follows that is still to come somewhere.
    """
    first = next(timetable.after(over_until), None)
    if first is None or first > now + lead:
        return Plan(None, first)
    over_everywhere = now - AROUND - GRACE
    ahead = next(timetable.after(max(over_until, over_everywhere)), None)
    if ahead is not None and ahead <= now + lead:
        occurrence, runs = ahead, True
    else:
        occurrence = timetable.latest(first, over_everywhere)
        runs = misfire is Misfire.RUN_ONCE
    if expires_after is not None and now >= occurrence + AROUND + expires_after:
        runs = False
    following = next(timetable.after(occurrence), None)
    return Plan(
        occurrence,
        following,
        runs,
        missed_before(timetable, over_until, occurrence),
        superseded=following is not None and following <= now,
    )
