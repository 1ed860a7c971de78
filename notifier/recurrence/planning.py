"""Planning: which occurrence to run now, after a while in which nobody looked.

A pure function of the timetable, the moment up to which its occurrences are over, and the time. It
is asked again with the moment that its last answer gave, so whatever happens in between, each
occurrence is over once: run, or counted as missed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile

from notifier.recurrence.timetable import Timetable

#: How late an occurrence may be without being missed.
GRACE = timedelta(minutes=1)
#: Missed occurrences that are counted one by one.
MOST_COUNTED = 1_000


class Misfire(StrEnum):
    """What happens to occurrences that were missed."""

    RUN_ONCE = "run_once"  # the latest of them is run, late
    SKIP = "skip"  # none is run


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about the occurrences that are due.

    ``occurrence``: the latest of them; ``None`` where none is due. ``runs``: whether to run it.
    ``missed``: number of those before it, which are over without a run; at most ``MOST_COUNTED``.
    ``next_at``: the next one; ``None`` if there is none.
    """

    occurrence: datetime | None
    next_at: datetime | None
    runs: bool = False
    missed: int = 0


def plan(
    timetable: Timetable,
    over_until: datetime,
    now: datetime,
    misfire: Misfire,
    expires_after: timedelta | None = None,
) -> Plan:
    """Plan for the occurrences after ``over_until`` up to ``now``.

    ``expires_after``: how late the latest one may be run at all.
    """
    first = next(timetable.after(over_until), None)
    if first is None or first > now:
        return Plan(None, first)
    latest = timetable.latest(first, now)
    before = takewhile(lambda one: one < latest, timetable.after(over_until))
    late = now - latest
    runs = misfire is Misfire.RUN_ONCE or late <= GRACE
    if expires_after is not None and late >= expires_after:
        runs = False
    return Plan(
        latest,
        next(timetable.after(latest), None),
        runs,
        sum(1 for _ in islice(before, MOST_COUNTED)),
    )
