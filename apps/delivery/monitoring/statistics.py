"""Statistics of deliveries over time, read from counts that are kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Q, Sum

from apps.core import clock
from apps.delivery.models import HourCount, MinuteCount
from apps.publishers.selectors import all_publisher_ids
from notifier.domain.states import WAITING, DeliveryState

#: Groups of states, as topic owners see them.
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
class Share:
    """Number of attempts that ended for some reasons, and their share of a provider's attempts."""

    number: int
    of_all: float


def shares(within: timedelta, reasons: Collection[str]) -> dict[str, Share]:
    """Return by provider the share of its attempts within that time that ended for ``reasons``."""
    rows = (
        MinuteCount.objects.filter(minute__gte=clock.moment() - within)
        .values_list("provider")
        .annotate(all=Sum("count"), some=Sum("count", filter=Q(reason__in=reasons), default=0))
    )
    return {provider: Share(some, some / every) for provider, every, some in rows if every}


def attempts(within: timedelta, reasons: Collection[str]) -> dict[tuple[str, str], int]:
    """Count attempts within that time by provider and reason."""
    rows = (
        MinuteCount.objects.filter(minute__gte=clock.moment() - within, reason__in=reasons)
        .values_list("provider", "reason")
        .annotate(total=Sum("count"))
    )
    return {(provider, reason): total for provider, reason, total in rows}


def now_of_topic(topic_id: int) -> dict[str, int]:
    """Count the topic's deliveries that are waiting, sent, failed and suppressed."""
    publishers = all_publisher_ids()
    with connection.cursor() as cursor:
        cursor.execute(_NOW, {"publishers": publishers, "topic_id": topic_id})
        return _grouped(cursor.fetchall())


def hours_of_topic(
    topic_id: int, since: datetime, until: datetime
) -> dict[datetime, dict[str, int]]:
    """Count the same by the hour of the move, from the hour of ``since`` to before ``until``.

    Moves longer ago than ``rollup.HOURS_KEPT`` are in the first hour of their day (UTC).
    """
    publishers = all_publisher_ids()
    by_hour: dict[datetime, list[tuple[str, int]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _HOURS,
            {"publishers": publishers, "topic_id": topic_id, "since": since, "until": until},
        )
        for hour, state, count in cursor.fetchall():
            by_hour[hour].append((state, count))
    return {hour: _grouped(rows) for hour, rows in sorted(by_hour.items())}


def last_day_of_topics(topic_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Count moves of these topics' deliveries into each state in a day, less those out of it.

    Without states that more deliveries left than reached.
    """
    publishers = all_publisher_ids()
    found: dict[int, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_LAST_DAY, {"publishers": publishers, "topic_ids": list(topic_ids)})
        for topic_id, state, number in cursor.fetchall():
            if number > 0:
                found[topic_id][state] = number
    return dict(found)


def states_by_day(publisher_id: int, since: datetime) -> dict[date, dict[str, int]]:
    """Count moves of the publisher's deliveries into each state less those out of it, by day (UTC).

    Only states that are not waiting.
    """
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


# The primary key leads to a topic's rows publisher by publisher; any publisher with a grant may
# have published to the topic.
_NOW = """
SELECT h.state, sum(h.count) FROM unnest(%(publishers)s::bigint[]) AS p (id)
  JOIN delivery_hourcount h ON h.publisher_id = p.id AND h.topic_id = %(topic_id)s
 GROUP BY h.state
"""
_LAST_DAY = """
SELECT h.topic_id, h.state, sum(h.count)::bigint FROM unnest(%(publishers)s::bigint[]) AS p (id)
  JOIN delivery_hourcount h ON h.publisher_id = p.id AND h.topic_id = ANY(%(topic_ids)s)
   AND h.hour > clock_timestamp() - interval '1 day'
 GROUP BY h.topic_id, h.state
"""
_HOURS = """
SELECT h.hour, h.state, sum(h.count) FROM unnest(%(publishers)s::bigint[]) AS p (id)
  JOIN delivery_hourcount h ON h.publisher_id = p.id AND h.topic_id = %(topic_id)s
   AND h.hour >= date_trunc('hour', %(since)s::timestamptz, 'UTC') AND h.hour < %(until)s
 GROUP BY h.hour, h.state
"""
