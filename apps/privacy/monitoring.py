"""A metric of erasures, read from the database."""

from collections.abc import Iterator

from django.db import connection
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_AGE = """
SELECT greatest(coalesce(extract(epoch FROM clock_timestamp() - min(requested_at)), 0), 0)::float8
  FROM privacy_erasure WHERE finished_at IS NULL
"""


def oldest_erasure() -> float:
    """Return the seconds since the oldest erasure that is not done was asked for, or 0."""
    with connection.cursor() as cursor:
        cursor.execute(_AGE)
        [age] = cursor.fetchone()
        return float(age)


class Erasures(Collector):
    """The age of the oldest erasure that is not done."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "notifier_oldest_erasure_seconds",
            "Seconds since the oldest erasure that is not done was asked for; 0 if there is none.",
        )
        gauge.add_metric([], oldest_erasure())
        yield gauge
