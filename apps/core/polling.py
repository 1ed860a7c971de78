"""Polling: wait in a request for what other processes write."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

#: Seconds between two calls.
EVERY = 0.05


def poll(read: Callable[[], T | None], patience: float) -> T | None:
    """Call ``read`` until it returns something, for at most ``patience`` seconds.

    No database connection is held between two calls. Raises ``RuntimeError`` where it would wait
    inside a transaction, whose writes others cannot see yet.
    """
    deadline = time.monotonic() + patience
    while (found := read()) is None and time.monotonic() < deadline:
        if connection.in_atomic_block:
            raise RuntimeError("commit before waiting for others: they cannot see it until then")
        connection.close()
        time.sleep(EVERY)
    return found
