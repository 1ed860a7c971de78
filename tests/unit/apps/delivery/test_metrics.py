"""Metrics observed together are those observed one by one."""

from prometheus_client import CollectorRegistry, Histogram

from apps.delivery.monitoring import metrics


def test_seconds_observed_together_are_those_observed_one_by_one():
    seconds = [0.0, 0.0099, 0.01, 0.011, 0.5, 299.0, 300.0, 4000.0]
    registry = CollectorRegistry()
    together = Histogram("together", "…", buckets=metrics._SECONDS, registry=registry)
    each = Histogram("each", "…", buckets=metrics._SECONDS, registry=registry)
    metrics._observe(together, seconds)
    for one in seconds:
        each.observe(one)
    for bound in [*map(str, metrics._SECONDS), "+Inf"]:
        found = [
            registry.get_sample_value(f"{name}_bucket", {"le": bound})
            for name in ("together", "each")
        ]
        assert found[0] == found[1] is not None
    assert registry.get_sample_value("together_count") == len(seconds)
    assert registry.get_sample_value("together_sum") == registry.get_sample_value("each_sum")
