"""A metric of dead letters, read from the database at a bounded cost."""

from collections.abc import Iterator

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
