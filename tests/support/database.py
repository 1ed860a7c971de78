"""Tables that another transaction has locked, and threads that use the database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db import connection, transaction

from stack.supervision.process import PATIENCE
from tests.support.waiting import until


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


def break_waiting(text: str) -> None:
    """End the connection that waits for a lock, in the middle of a statement with this text.

    Threads of tests before this one may wait for the same lock.
    """

    def ended() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock' "
                "AND strpos(query, %s) > 0",
                [text],
            )
            return bool(cursor.fetchall())

    until(ended)


def run_and_close(call: Callable[[], None]) -> None:
    """Call it in a thread, whose connection must not outlive it."""
    try:
        call()
    finally:
        connection.close()
