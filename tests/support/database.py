"""Tables that another transaction has locked, and threads that use the database."""

import threading
from collections.abc import Callable
from contextlib import contextmanager

from django.db import connection, transaction

from stack.supervision.process import PATIENCE


@contextmanager
def table_locked(table):
    """Lock the table: readers and writers wait, as at a slow database."""
    held, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
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


def run_and_close(call: Callable[[], None]) -> None:
    """Call it in a thread, whose connection must not outlive it."""
    try:
        call()
    finally:
        connection.close()
