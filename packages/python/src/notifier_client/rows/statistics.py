"""Statistics of topics, and a publisher's limits and usage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from notifier_client.rows.base import TIME, many, one

_DAY = {"read": date.fromisoformat}


@dataclass(frozen=True, slots=True)
class Now:
    """Counts of a topic's deliveries by state."""

    waiting: int
    sent: int
    failed: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class Hour:
    """Counts of one hour; ``hour`` is its start."""

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
    """A publisher's limit of requests: per second, and at once (``burst``)."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class HighQuota:
    """A publisher's limits of high-priority notifications: per day, per second and at once."""

    per_day: int
    used: int
    per_second: int
    burst: int


@dataclass(frozen=True, slots=True)
class Quota:
    """A publisher's limit of notifications per day, which ends at ``resets_at``.

    ``high``: the limit of high-priority ones, which are counted separately.
    """

    per_day: int
    used: int
    resets_at: datetime = field(metadata=TIME)
    high: HighQuota = field(metadata=one(HighQuota))


@dataclass(frozen=True, slots=True)
class DayOfNotifications:
    """The number of notifications accepted on a day (UTC)."""

    day: date = field(metadata=_DAY)
    accepted: int


@dataclass(frozen=True, slots=True)
class DayOfDeliveries:
    """The number of deliveries that moved into each state on a day (UTC)."""

    day: date = field(metadata=_DAY)
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CategoryRetention:
    """The number of days for which what is in a category is kept."""

    category: str
    content_days: int
    record_days: int


@dataclass(frozen=True, slots=True)
class Retention:
    """The number of days for which what a publisher sends is kept, from when it was due.

    ``categories``: those with days of their own.
    """

    content_days: int
    record_days: int
    categories: tuple[CategoryRetention, ...] = field(default=(), metadata=many(CategoryRetention))


@dataclass(frozen=True, slots=True)
class Usage:
    """A publisher's limits and usage. ``retention``: ``None`` of an older service."""

    requests: RequestLimit = field(metadata=one(RequestLimit))
    quota: Quota = field(metadata=one(Quota))
    notifications: tuple[DayOfNotifications, ...] = field(
        default=(), metadata=many(DayOfNotifications)
    )
    deliveries: tuple[DayOfDeliveries, ...] = field(default=(), metadata=many(DayOfDeliveries))
    retention: Retention | None = field(default=None, metadata=one(Retention))
