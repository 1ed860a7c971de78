"""Clocks on the wall, in zones that set them forward and back: for comparison."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from notifier.domain.times.quiet_hours import Schedule

#: Zones that set their clocks by an hour, on the southern half, by half an hour, and from 45
#: minutes past.
CHANGING = ("Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham")


def walls_quiet(schedule: Schedule, zone: str, seconds: float) -> bool:
    """Return whether the clock on the wall says that it is quiet."""
    now = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    minute = now.hour * 60 + now.minute
    for window in schedule.windows:
        crosses = window.ends <= window.begins
        if now.weekday() in window.days and window.begins <= minute < (
            1440 if crosses else window.ends
        ):
            return True
        if crosses and (now.weekday() - 1) % 7 in window.days and minute < window.ends:
            return True
    return False


def changes(zone: str, year: int) -> Iterator[float]:
    """Yield when a zone's clocks are set in a year, in unix seconds, to the hour."""
    hours = [
        (datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour)).astimezone(ZoneInfo(zone))
        for hour in range(366 * 24)
    ]
    for before, after in pairwise(hours):
        if before.utcoffset() != after.utcoffset():
            yield after.timestamp()
