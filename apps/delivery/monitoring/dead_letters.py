"""A metric of dead letters, read from the database at a bounded cost."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import connection
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.delivery.outbox.backlog import MOST

_NEWEST = """
SELECT channel, reason, count(*)
  FROM (SELECT channel, reason FROM delivery_deadletter ORDER BY delivery_id DESC LIMIT %s) newest
 GROUP BY channel, reason
"""


_RECENT = """
SELECT channel, count(*)
  FROM (SELECT channel, died_at FROM delivery_deadletter ORDER BY delivery_id DESC LIMIT %s) newest
 WHERE died_at > clock_timestamp() - %s * interval '1 second'
 GROUP BY channel
"""


def newest(within: timedelta) -> dict[str, int]:
    """Count dead letters by channel that died within that time, of the newest ``MOST``."""
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, [MOST, within.total_seconds()])
        return dict(cursor.fetchall())


class DeadLetters(Collector):
    """Dead letters. Each channel has a sample without a reason, so that 0 differs from no data."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "notifier_dead_letters",
            f"Deliveries that were given up and not redriven, of the newest {MOST}.",
            labels=["channel", "reason"],
        )
        with connection.cursor() as cursor:
            cursor.execute(_NEWEST, [MOST])
            found = {(channel, reason): number for channel, reason, number in cursor.fetchall()}
        for key in {*((channel, "") for channel in settings.CHANNELS), *found}:
            gauge.add_metric(key, found.get(key, 0))
        yield gauge
