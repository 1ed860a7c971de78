"""Settings of what operators' monitoring reads."""

from pathlib import Path

from config import env

# -- Logs and metrics -------------------------------------------------------------------------


def metrics_directory(base: Path) -> str:
    """Return where processes keep their metrics; by default inside ``base``."""
    return env.text(
        "PROMETHEUS_MULTIPROC_DIR",
        str(base / ".notifier" / "metrics"),
        "where the processes of this machine add up their metrics; one for all of them",
    )


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
