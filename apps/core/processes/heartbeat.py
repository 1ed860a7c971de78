"""The heartbeat: when each process last did what it does by itself."""

import time

from prometheus_client import Gauge

from apps.core.processes.kind import KIND

BEATS = Gauge(
    "notifier_heartbeat_timestamp_seconds",
    "When a process last polled for work, in seconds since 1970; of several of a kind the one "
    "that is furthest behind.",
    ["process"],
    multiprocess_mode="livemin",
)
_last: float | None = None


def beat() -> None:
    """Say that this process has just done its work. A process that never calls it has no sample."""
    global _last
    _last = time.monotonic()
    BEATS.labels(KIND).set(time.time())


def idle() -> float | None:
    """Return the seconds since this process last did its work; ``None`` if it has not begun."""
    return None if _last is None else time.monotonic() - _last
