"""Tables that another transaction has locked, and threads that use the database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db import connection, transaction

from stack.supervision.process import PATIENCE


@contextmanager
def locks_of(statement: str, *values: Any) -> Iterator[None]:
    """Hold the locks that a statement takes, in another transaction."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
            held.set()
            release.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(PATIENCE)
    try:
        yield
    finally:
        release.set()
        thread.join()


def table_locked(table: str, mode: str = "ACCESS EXCLUSIVE") -> AbstractContextManager[None]:
    """Lock a table in this mode: by default readers and writers wait, as at a slow database."""
    return locks_of(f"LOCK TABLE {table} IN {mode} MODE")


def run_and_close(call: Callable[[], None]) -> None:
    """Call it in a thread, whose connection must not outlive it."""
    try:
        call()
    finally:
        connection.close()
