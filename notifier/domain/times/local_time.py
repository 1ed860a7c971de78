"""Wall-clock times, and the instants at which a zone's clocks show them."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo

#: No zone is further ahead of UTC, or behind it.
MOST_AHEAD, MOST_BEHIND = timedelta(hours=14), timedelta(hours=12)
#: On these clocks it is any time first.
FIRST = timezone(MOST_AHEAD)
#: Time from the first place where it is some time to the last.
AROUND = MOST_AHEAD + MOST_BEHIND


def earliest(wall: datetime) -> datetime:
    """Return the moment at which it is that time first, anywhere."""
    return wall.replace(tzinfo=UTC) - MOST_AHEAD


def latest(wall: datetime) -> datetime:
    """Return the moment after which it is that time nowhere any more."""
    return wall.replace(tzinfo=UTC) + MOST_BEHIND


def instant(wall: datetime, zone: tzinfo, *, last: bool = False) -> float:
    """Return the unix seconds of a wall-clock time, given without a zone.

    A time that is skipped is the moment at which the clocks are set forward. One that comes twice
    is its first occurrence, or with ``last`` its second.
    """
    before, after = _offset(wall, zone, 0), _offset(wall, zone, 1)
    seconds = (wall - _EPOCH).total_seconds()
    if after > before:
        return _change(seconds - after, seconds - before, zone)
    return seconds - (after if last else before)


_EPOCH = datetime(1970, 1, 1)


def _offset(wall: datetime, zone: tzinfo, fold: int) -> float:
    offset = wall.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None
    return offset.total_seconds()


def _change(before: float, after: float, zone: tzinfo) -> float:
    """Return the whole second at which a zone's offset changes, after one time and by another."""
    low, high = int(before), int(after)
    was = datetime.fromtimestamp(low, UTC).astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == was:
            low = middle
        else:
            high = middle
    return float(high)
