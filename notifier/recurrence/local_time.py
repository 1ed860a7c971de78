"""From what a zone's clocks show to UTC, and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

#: The form of a local time, to the minute.
FORMAT = "%Y-%m-%dT%H:%M"


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which the clocks of ``zone`` show ``local`` (without a zone).

    A time that they show twice is the first of the two. One that they skip is the moment at which
    they skip it, when they show the end of what is left out.
    """
    first = local.replace(tzinfo=zone, fold=0)
    moment = first.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    # Skipped: ``fold`` 0 has the offset before the change, and 1 that after it.
    before, after = first.utcoffset(), first.replace(fold=1).utcoffset()
    assert before is not None and after is not None
    return _change(moment - (after - before), moment, zone)


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clocks of ``zone`` show at a moment, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second after ``low``, at most ``high``, with another offset than ``low``."""
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=1) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high
