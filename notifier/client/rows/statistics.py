"""How much was sent, and how much may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from notifier.client.rows.base import TIME, many, one

_DAY = {"read": date.fromisoformat}


@dataclass(frozen=True, slots=True)
class Now:
    """How many of a topic's deliveries wait, and what became of the others."""

    waiting: int
    sent: int
    failed: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class Hour:
    """What one hour brought; ``hour`` is its start."""

    hour: datetime = field(metadata=TIME)
    sent: int
    failed: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class TopicStatistics:
    """A topic's deliveries, now and by hour."""

    topic: str
    now: Now = field(metadata=one(Now))
    hours: tuple[Hour, ...] = field(default=(), metadata=many(Hour))


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """Requests a second that a publisher may make, and how many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class HighQuota:
    """Notifications of high priority that a publisher may publish: a day, a second, and at once
    after a rest."""

    per_day: int
    used: int
    per_second: int
    burst: int


@dataclass(frozen=True, slots=True)
class Quota:
    """Notifications that a publisher may publish a day; the day ends at ``resets_at``.

    ``high``: those of high priority, which count apart.
    """

    per_day: int
    used: int
    resets_at: datetime = field(metadata=TIME)
    high: HighQuota = field(metadata=one(HighQuota))


@dataclass(frozen=True, slots=True)
class DayOfNotifications:
    """How many notifications were accepted on a day (UTC)."""

    day: date = field(metadata=_DAY)
    accepted: int


@dataclass(frozen=True, slots=True)
class DayOfDeliveries:
    """How many deliveries moved into each state on a day (UTC)."""

    day: date = field(metadata=_DAY)
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Usage:
    """A publisher's limits and what it used of them."""

    requests: RequestLimit = field(metadata=one(RequestLimit))
    quota: Quota = field(metadata=one(Quota))
    notifications: tuple[DayOfNotifications, ...] = field(
        default=(), metadata=many(DayOfNotifications)
    )
    deliveries: tuple[DayOfDeliveries, ...] = field(default=(), metadata=many(DayOfDeliveries))
