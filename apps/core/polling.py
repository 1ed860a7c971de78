"""Waiting for what other processes write, beside a request."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

#: Seconds between two looks.
EVERY = 0.05


def poll(look: Callable[[], T | None], patience: float) -> T | None:
    """Look again and again until something is found, ``patience`` seconds at most.

    No connection is held between two looks. Raises ``RuntimeError`` where it would have to wait in
    a transaction: others see what the caller wrote once it is committed.
    """
    deadline = time.monotonic() + patience
    while (found := look()) is None and time.monotonic() < deadline:
        if connection.in_atomic_block:
            raise RuntimeError("commit before waiting for others: they cannot see it until then")
        connection.close()
        time.sleep(EVERY)
    return found
