"""What time it is: PostgreSQL's clock decides, since every process has that one in common.

A worker whose own clock is wrong would otherwise put its retries, and the shared breakers it
opens, minutes away from everybody else's. It reckons in its own time and translates what it reads
and writes.
"""

import logging
import time

from django.db import connection

log = logging.getLogger(__name__)

#: Seconds of difference that are nothing: the answer has been on its way.
NOTHING = 1.0
_offset = 0.0


def heard(database: float) -> None:
    """The database has just said what time it is (unix seconds)."""
    global _offset
    offset = database - time.time()
    if abs(offset) < NOTHING:
        offset = 0.0
    if abs(offset - _offset) >= NOTHING:
        log.warning("this machine's clock is %+.0f s off the database's", 0.0 - offset)
        _offset = offset


def look() -> None:
    """Ask the database what time it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        heard(cursor.fetchone()[0])


def now() -> float:
    """The time by the database's clock, in unix seconds."""
    return time.time() + _offset


def ours(shared: float) -> float:
    """A time that the database, or another process, knows, by this machine's clock."""
    return shared - _offset


def shared(ours: float) -> float:
    """A time by this machine's clock as everybody else knows it."""
    return ours + _offset
