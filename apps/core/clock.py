"""The database's clock: the one that all processes have in common.

A process with a wrong clock would otherwise take valid tokens for expired, and schedule retries
and open shared breakers at times that are wrong for everybody else. A process computes in its own
time and converts what it reads and writes by an offset. It measures the offset when it takes a
connection, at most every ``EVERY`` seconds.
"""

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from apps.core.database_errors import FAILURES

log = logging.getLogger(__name__)

#: Seconds of difference to ignore: the round trip takes time, too.
NOTHING = 1.0
#: Seconds for which a measured offset is used without measuring again on a new connection.
EVERY = 10.0
#: Seconds after which ``moment`` measures it again, without a new connection.
OLD = 60.0
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
_offset = 0.0
_measured_at = float("-inf")


def synchronize(database: float) -> None:
    """Take the offset from the database's current time (unix seconds)."""
    global _offset, _measured_at
    offset = database - time.time()
    if abs(offset) < NOTHING:
        offset = 0.0
    if abs(offset - _offset) >= NOTHING:
        log.warning("this machine's clock is %+.0f s off the database's", 0.0 - offset)
        _offset = offset
    _measured_at = time.monotonic()


def measure() -> None:
    """Query the database's time and take the offset from it."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW)
        synchronize(cursor.fetchone()[0])


def now() -> float:
    """Return the time by the database's clock, in unix seconds."""
    return time.time() + _offset


def moment() -> datetime:
    """Return the time by the database's clock, to be compared with its times or written there.

    Queries the database if the offset is older than ``OLD`` seconds, so do not call it in an event
    loop. While the database does not answer, the last offset is used.
    """
    if time.monotonic() - _measured_at > OLD:
        with suppress(*FAILURES):
            measure()
    return datetime.fromtimestamp(now(), UTC)


def asked() -> datetime:
    """Return the time that the database says now. Raises its errors."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def to_local(shared: float) -> float:
    """Convert a time of the database, or of another process, to this machine's clock."""
    return shared - _offset


def to_shared(local: float) -> float:
    """Convert a time of this machine's clock to the database's, which all processes share."""
    return local + _offset


def _measure_on(sender: object, connection: BaseDatabaseWrapper, **_: object) -> None:
    if time.monotonic() - _measured_at < EVERY:
        return
    # Through the driver, so that Django does not count it among a request's queries.
    with connection.connection.cursor() as cursor:
        cursor.execute(_NOW)
        synchronize(cursor.fetchone()[0])


connection_created.connect(_measure_on, dispatch_uid="clock")
