"""A metric of the partitions that are made ahead, read from the database."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.delivery.maintenance.partitions import making


class Partitions(Collector):
    """The days that have partitions already; without a sample where tables are plain."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "notifier_partition_days_ahead",
            "Days from tomorrow on for which every large table has a partition; no sample where "
            "tables are not partitioned.",
        )
        ahead = making.days_ahead()
        if ahead is not None:
            gauge.add_metric([], ahead)
        yield gauge
