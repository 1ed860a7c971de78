"""The day of a row in its id: a notification's in its UUIDv7, a delivery's in its number.

A delivery has the day of its notification, whenever it was created. So everything of a notification
is in the partitions of one day, and an id alone leads to them.
"""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

#: The day with number 0.
EPOCH = date(1970, 1, 1)
_MILLISECONDS = 86_400_000
#: Bits of a delivery's number below those of its day.
BITS = 36
#: Numbers of a day: 68,719,476,736.
NUMBERS = 1 << BITS


def of_moment(moment: datetime) -> date:
    """Return the day of a moment, in UTC."""
    return moment.astimezone(UTC).date()


def of_notification(notification_id: UUID) -> date:
    """Return the day on which a notification was accepted, in UTC."""
    return EPOCH + timedelta(days=(notification_id.int >> 80) // _MILLISECONDS)


def of_delivery(number: int) -> date:
    """Return the day in the number of a delivery."""
    return EPOCH + timedelta(days=number >> BITS)


def first_notification(day: date) -> UUID:
    """Return the smallest UUIDv7 of a day."""
    return UUID(int=_number(day) * _MILLISECONDS << 80)


def first_delivery(day: date) -> int:
    """Return the smallest number of a delivery of a day."""
    return _number(day) << BITS


def _number(day: date) -> int:
    """Return the number of days from 1970-01-01."""
    return (day - EPOCH).days


def in_name(partition: str) -> date | None:
    """Return the day at the end of a partition's name; ``None`` if there is none."""
    try:
        return datetime.strptime(partition.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
