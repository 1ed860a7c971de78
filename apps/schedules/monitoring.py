"""Metrics of schedules, read from the database."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_NOW = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_at)
                        FILTER (WHERE next_at < clock_timestamp())), 0)::float8,
       count(*) FILTER (WHERE failures > 0)
  FROM schedules_schedule WHERE due_at IS NOT NULL
"""


def read() -> tuple[float, int]:
    """Return how many seconds late the tick is, and how many schedules fail."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW)
        late, failing = cursor.fetchone()
        return late, failing


class Schedules(Collector):
    """A collector of how late the tick is and how many schedules fail."""

    def collect(self) -> Iterator[Metric]:
        late, failing = read()
        overdue = GaugeMetricFamily(
            "notifier_schedules_overdue_seconds",
            "Seconds since the oldest occurrence that has not been run, put off or not.",
        )
        overdue.add_metric([], late)
        gauge = GaugeMetricFamily(
            "notifier_schedules_failing", "Active schedules whose last run failed."
        )
        gauge.add_metric([], failing)
        yield overdue
        yield gauge
