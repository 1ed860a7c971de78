"""Settings of what operators' monitoring reads."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import env

# -- Logs and metrics -------------------------------------------------------------------------


def metrics_directory(base: Path) -> str:
    """Return where processes keep their metrics; by default inside ``base``."""
    return env.text(
        "PROMETHEUS_MULTIPROC_DIR",
        str(base / ".notifier" / "metrics"),
        "where the processes of this machine add up their metrics; one for all of them",
    )


def traces() -> tuple[str, float]:
    """Return the collector of traces, empty for none, and the share of requests to sample."""
    endpoint = env.text(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "URL of a collector that takes [traces](tracing.md) by OTLP over HTTP, "
        "`http://127.0.0.1:4318`; without it there are none",
    )
    ratio = env.number(
        "OTEL_TRACES_SAMPLER_ARG",
        0.01,
        "share of requests whose trace is recorded where the caller's `traceparent` does not "
        "decide that: 0 to 1",
    )
    if endpoint:
        env.checked_url("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    if ratio > 1:
        raise ImproperlyConfigured("OTEL_TRACES_SAMPLER_ARG is a share: 1 records everything")
    return endpoint, ratio


def probe_address() -> tuple[str, int]:
    """Return the host and port at which a worker or beat answers probes; port 0 for none."""
    host = env.text(
        "NOTIFIER_PROBE_HOST", "127.0.0.1", "address at which a worker or beat answers probes"
    )
    port = env.whole(
        "NOTIFIER_PROBE_PORT",
        0,
        "its port, at which one process can listen: `/healthz` is 200 while its threads come "
        "round, and `/metrics` has the metrics in its directory; 0 for none",
    )
    return host, port
