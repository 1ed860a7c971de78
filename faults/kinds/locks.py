"""Locks held from outside, which stop a process at an exact step."""

import contextlib
from collections.abc import Iterator
from typing import Any

from faults.harness.service import Service, until

RECORDING = "LOCK TABLE delivery_attempt IN EXCLUSIVE MODE"
#: The lock that CREATE INDEX takes.
COUNTING = "LOCK TABLE delivery_hourcount, delivery_minutecount IN SHARE MODE"
ACCEPTING = "LOCK TABLE delivery_chunk IN EXCLUSIVE MODE"

#: The oldest claim of the workers that send the blast, where they have another one.
ONE_CLAIM = """
SELECT id FROM delivery_claim WHERE channel = 'push' AND priority = 'normal'
 ORDER BY claimed_at LIMIT 1 FOR UPDATE
"""


@contextlib.contextmanager
def held(service: Service, statement: str, *params: Any) -> Iterator[None]:
    """Run a statement, and hold its locks until the end of the block."""
    connection = service.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            yield
    finally:
        connection.close()  # which rolls back


def somebody_waits(service: Service, at_least: int = 1) -> None:
    """Wait until so many of the service's connections wait for a lock."""
    until(
        lambda: service.sql("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] >= at_least,
        f"{at_least} connections wait for a lock",
    )
