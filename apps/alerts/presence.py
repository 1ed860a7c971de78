"""Reports of running processes: those of other machines leave no other trace here."""

import os
import socket
import time
from collections.abc import Iterator

from django.db import connection

from apps.alerts.rules import GONE, REMOVED, SILENT
from apps.core.processes import heartbeat
from apps.core.processes.kind import KIND

#: Seconds after a process's last report for which it counts as running.
PRESENT = 60
#: Processes that poll for no work: they answer.
_ANSWERING = frozenset({"web"})
_started = time.monotonic()

_REPORT = """
INSERT INTO alerts_presence (process, host, pid, seen_at, worked_at)
VALUES (%(process)s, %(host)s, %(pid)s, clock_timestamp(),
        clock_timestamp() - %(idle)s * interval '1 second')
ON CONFLICT (process, host, pid)
DO UPDATE SET seen_at = excluded.seen_at, worked_at = excluded.worked_at
"""
_SILENT = """
SELECT process, host, max(extract(epoch FROM clock_timestamp() - worked_at))::float8
  FROM alerts_presence
 WHERE seen_at > clock_timestamp() - %(present)s * interval '1 second'
   AND worked_at < clock_timestamp() - %(silent)s * interval '1 second'
 GROUP BY 1, 2
"""
_GONE = """
SELECT process, extract(epoch FROM clock_timestamp() - max(seen_at))::float8
  FROM alerts_presence
 GROUP BY 1
HAVING max(seen_at) < clock_timestamp() - %(present)s * interval '1 second'
"""
# The last process of a line stays: without it, the alert that there is none would end.
_FORGET = """
DELETE FROM alerts_presence p
 WHERE seen_at < clock_timestamp() - %(gone)s * interval '1 second'
   AND (seen_at < clock_timestamp() - %(removed)s * interval '1 second'
        OR EXISTS (SELECT FROM alerts_presence o
                    WHERE o.process = p.process AND o.seen_at > p.seen_at))
"""


def report(process: str = KIND) -> None:
    """Say that this process runs, and when it last polled for work."""
    with connection.cursor() as cursor:
        cursor.execute(
            _REPORT,
            {
                "process": process[:40],
                "host": socket.gethostname()[:255],
                "pid": os.getpid(),
                "idle": _idle(process),
            },
        )


def _idle(process: str) -> float | None:
    """Return the seconds since this process polled for work, or since it could have begun to."""
    idle = heartbeat.idle()
    if idle is None and process not in _ANSWERING:
        return time.monotonic() - _started
    return idle


def silent() -> Iterator[tuple[str, float]]:
    """Yield processes that run and do nothing, with their host, and for how many seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_SILENT, {"present": PRESENT, "silent": SILENT})
        for process, host, seconds in cursor.fetchall():
            yield f"{process} at {host}", seconds


def gone() -> Iterator[tuple[str, float]]:
    """Yield lines of the Procfile without a process that had one within a week, since when."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"gone": GONE, "removed": REMOVED})
        cursor.execute(_GONE, {"present": PRESENT})
        yield from cursor.fetchall()
