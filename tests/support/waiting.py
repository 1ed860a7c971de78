"""Wait for events, not for time: a machine may be busy.

``PATIENCE`` seconds stand for never. What would happen by itself after some time, and must happen
before, is given that time beyond all patience first.
"""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar
from unittest import mock

import psutil
import pytest
from django.db import connection

from apps.core import cache
from apps.delivery.holding import restore_detection
from stack.supervision.process import PATIENCE

T = TypeVar("T")


def until(done: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Wait until ``done`` returns something true, and return it; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, f"not so after {seconds:g} s"
        time.sleep(0.02)
    return found


def somebody_waits() -> bool:
    """Return whether a transaction waits for a lock of another one's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def cpu_of_database() -> float:
    """Seconds of CPU that this connection's process at PostgreSQL has used.

    Seconds that passed where PostgreSQL is on another machine.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        try:
            times = psutil.Process(cursor.fetchone()[0]).cpu_times()
        except psutil.NoSuchProcess:
            return time.monotonic()
    return float(times.user + times.system)


@pytest.fixture(scope="session", autouse=True)
def _redis_is_waited_for() -> Iterator[None]:
    """Wait for Redis: the service goes on without one that does not answer for a moment."""
    with (
        mock.patch.object(cache, "ANSWER_SECONDS", PATIENCE),
        mock.patch.object(restore_detection, "ANSWER_SECONDS", PATIENCE),
    ):
        yield
