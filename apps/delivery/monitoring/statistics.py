"""What was sent and what became of it, over time: read from the kept counts."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, Sum

from apps.delivery.models import HourCount, MinuteCount
from notifier.domain.states import WAITING, DeliveryState

#: What an owner asks about, and the states that answer it.
SENT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED)
FAILED = (
    DeliveryState.BOUNCED,
    DeliveryState.FAILED,
    DeliveryState.DEAD,
    DeliveryState.UNKNOWN,
    DeliveryState.EXPIRED,
)
SUPPRESSED = (DeliveryState.SUPPRESSED, DeliveryState.CANCELLED)
_GROUPS = {
    **dict.fromkeys(WAITING, "waiting"),
    **dict.fromkeys(SENT, "sent"),
    **dict.fromkeys(FAILED, "failed"),
    **dict.fromkeys(SUPPRESSED, "suppressed"),
}


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of one channel: attempts that a provider accepted, and all others."""

    minute: datetime
    accepted: int
    failed: int


def per_minute(since: datetime) -> dict[str, list[Minute]]:
    """Attempts by channel and minute, oldest first; a minute without any is left out."""
    rows = (
        MinuteCount.objects.filter(minute__gte=since)
        .values_list("channel", "minute")
        .annotate(
            accepted=Sum("count", filter=Q(outcome="accepted"), default=0),
            failed=Sum("count", filter=~Q(outcome="accepted"), default=0),
        )
        .order_by("channel", "minute")
    )
    found: dict[str, list[Minute]] = defaultdict(list)
    for channel, minute, accepted, failed in rows:
        found[channel].append(Minute(minute, accepted, failed))
    return dict(found)


@dataclass(frozen=True, slots=True)
class Error:
    """Attempts that failed for one reason."""

    channel: str
    provider: str
    reason: str
    count: int


def errors(since: datetime, most: int = 20) -> list[Error]:
    """Why attempts failed, the commonest reasons first."""
    rows = (
        MinuteCount.objects.filter(minute__gte=since)
        .exclude(outcome="accepted")
        .values_list("channel", "provider", "reason")
        .annotate(total=Sum("count"))
        .order_by("-total", "channel", "provider", "reason")
    )
    return [Error(*row) for row in rows[:most]]


def now_of_topic(topic_id: int) -> dict[str, int]:
    """How many of the topic's deliveries are waiting, sent, failed and suppressed."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW, {"topic_id": topic_id})
        return _grouped(cursor.fetchall())


def hours_of_topic(topic_id: int, since: datetime, until: datetime) -> dict[datetime, dict]:
    """The same by hour in which they came to it, from ``since``'s hour to before ``until``.

    What happened longer ago than ``folding.HOURS_KEPT`` stands in the first hour of its day (UTC).
    """
    by_hour: dict[datetime, list[tuple[str, int]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, {"topic_id": topic_id, "since": since, "until": until})
        for hour, state, count in cursor.fetchall():
            by_hour[hour].append((state, count))
    return {hour: _grouped(rows) for hour, rows in sorted(by_hour.items())}


def states_by_day(publisher_id: int, since: datetime) -> dict[date, dict[str, int]]:
    """How many of the publisher's deliveries came to each state, less those that left it, by day
    (UTC). Only states that deliveries stay in."""
    rows = (
        HourCount.objects.filter(publisher_id=publisher_id, hour__gte=since)
        .exclude(state__in=WAITING)
        .values_list("hour__date", "state")
        .annotate(total=Sum("count"))
        .order_by("hour__date", "state")
    )
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for day, state, total in rows:
        if total:
            found[day][state] = total
    return dict(found)


def _grouped(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    found = {"waiting": 0, "sent": 0, "failed": 0, "suppressed": 0}
    for state, count in rows:
        found[_GROUPS[DeliveryState(state)]] += int(count)
    return found


# A topic's rows are found by the primary key, publisher by publisher: whoever was granted the
# topic may have published to it.
_NOW = """
SELECT h.state, sum(h.count) FROM publishers_publisher p
  JOIN delivery_hourcount h ON h.publisher_id = p.id AND h.topic_id = %(topic_id)s
 GROUP BY h.state
"""
_HOURS = """
SELECT h.hour, h.state, sum(h.count) FROM publishers_publisher p
  JOIN delivery_hourcount h ON h.publisher_id = p.id AND h.topic_id = %(topic_id)s
   AND h.hour >= date_trunc('hour', %(since)s::timestamptz, 'UTC') AND h.hour < %(until)s
 GROUP BY h.hour, h.state
"""
