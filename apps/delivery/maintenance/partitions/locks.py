"""Locks that the engine's statements queue behind: waited for shortly, again and again."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg2
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

#: Longest time that one try waits for all of its locks together, in seconds: so long at most does a
#: statement wait that comes after it.
PATIENCE = 0.08
#: Longest wait for one lock, in milliseconds.
ONE_LOCK = 20
#: Seconds between two tries: at first, and at most.
PAUSE, LONGEST_PAUSE = 0.1, 2.0
_NOT_AVAILABLE = ("55P03", "40P01")  # lock_not_available, deadlock_detected
_TOO_LONG = "57014"  # query_canceled


#: The key of the advisory lock of a run that partitions tables: any number that nobody else has.
_RUN = 4_771_003_851


class Busy(Exception):
    """A lock was not to be had: other transactions have held it each time that we tried."""


class Slow(Busy):
    """Raised where the work under the locks has taken too long each time."""


@contextmanager
def alone() -> Iterator[None]:
    """Be the only run that partitions tables, on a connection that ends with this process.

    Raises ``Busy`` where another one is at work.
    """
    own = psycopg2.connect(**connection.get_connection_params())
    try:
        own.autocommit = True
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_RUN])
            if not cursor.fetchone()[0]:
                raise Busy("another run partitions the tables")
        yield
    finally:
        own.close()


class Try:
    """One try: a transaction that is rolled back where a lock is not to be had soon."""

    def __init__(self) -> None:
        self.succeeded = False
        self.error: OperationalError | None = None

    @contextmanager
    def transaction(self, *, limited: bool = False) -> Iterator[CursorWrapper]:
        """Run a transaction that waits for no lock but those of ``lock``, and for no time at all.

        Statements in it may take as long as they need. ``limited``: they set limits for themselves,
        and are tried again where these were too short.
        """
        passing = (*_NOT_AVAILABLE, _TOO_LONG) if limited else _NOT_AVAILABLE
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '1ms'")
                yield cursor
        except OperationalError as error:
            if _code(error) not in passing:
                raise
            self.error = error
        else:
            self.succeeded = True


def tries(longest: float) -> Iterator[Try]:
    """Yield tries until one has succeeded.

    Raises ``Busy`` after ``longest`` seconds, and ``Slow`` where the last one came to its limit.
    """
    until, pause = time.monotonic() + longest, PAUSE
    while True:
        one = Try()
        yield one
        if one.succeeded:
            return
        if time.monotonic() > until:
            raise (Slow if _code(one.error) == _TOO_LONG else Busy) from one.error
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(1.5 * pause, LONGEST_PAUSE)


def _code(error: OperationalError | None) -> str | None:
    return getattr(error and error.__cause__, "pgcode", None)


def lock(cursor: CursorWrapper, tables: Sequence[str]) -> None:
    """Lock these tables, without their partitions, against everybody else, within ``PATIENCE``."""
    until = time.monotonic() + PATIENCE
    for table in tables:
        left = max(1, min(ONE_LOCK, round((until - time.monotonic()) * 1000)))
        cursor.execute(f"SET LOCAL lock_timeout = '{left}ms'")
        cursor.execute(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")
    cursor.execute("SET LOCAL lock_timeout = '1ms'")
