"""Locks that the engine's statements would queue behind: waited for shortly, again and again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

#: Longest wait for one lock, in milliseconds: so long a statement that comes after it waits, too.
PATIENCE = 20
#: Seconds between two tries, and in all.
PAUSE, LONGEST = 0.25, 120.0
_NOT_AVAILABLE = ("55P03", "40P01")  # lock_not_available, deadlock_detected


class Busy(Exception):
    """A lock was not to be had: some transaction has held the table for as long as we tried."""


def tries() -> Iterator["Try"]:
    """Yield tries until one has succeeded.

    Raises ``Busy`` after ``LONGEST`` seconds.
    """
    until = time.monotonic() + LONGEST
    while True:
        one = Try()
        yield one
        if one.succeeded:
            return
        if time.monotonic() > until:
            raise Busy from one.error
        time.sleep(PAUSE)


class Try:
    """One try: a transaction that is rolled back where a lock is not to be had at once."""

    def __init__(self) -> None:
        self.succeeded = False
        self.error: OperationalError | None = None

    @contextmanager
    def transaction(self) -> Iterator[CursorWrapper]:
        """Run a transaction whose statements wait for locks no longer than ``PATIENCE``."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}ms'")
                yield cursor
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in _NOT_AVAILABLE:
                raise
            self.error = error
        else:
            self.succeeded = True
