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

#: Longest delay of an occurrence that is not missed.
GRACE = timedelta(minutes=1)
#: Missed occurrences that are counted one by one.
MOST_COUNTED = 1_000


class Misfire(StrEnum):
    """The treatment of occurrences that were missed."""

    RUN_ONCE = "run_once"  # the latest of them is run, late
    SKIP = "skip"  # none is run


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for the occurrences that are due.

    ``occurrence``: the one that is over then; ``None`` where none is due. ``runs``: whether to run
    it. ``missed``: number of those before it, which are over without a run; at most
    ``MOST_COUNTED``. ``next_at``: the one after it; ``None`` if there is none. ``superseded``: that
    one has begun as well, in some zone.
    """

    occurrence: datetime | None
    next_at: datetime | None
    runs: bool = False
    missed: int = 0
    superseded: bool = False


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
    late = now - latest
    runs = misfire is Misfire.RUN_ONCE or late <= GRACE
    if expires_after is not None and late >= expires_after:
        runs = False
    return Plan(
        latest,
        next(timetable.after(latest), None),
        runs,
        missed_before(timetable, over_until, latest),
    )


def missed_before(timetable: Timetable, over_until: datetime, occurrence: datetime) -> int:
    """Return how many occurrences are between two moments; at most ``MOST_COUNTED``."""
    between = takewhile(lambda one: one < occurrence, timetable.after(over_until))
    return sum(1 for _ in islice(between, MOST_COUNTED))
