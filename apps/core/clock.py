"""What time it is: PostgreSQL's clock decides, since every process has that one in common.

A process whose own clock is wrong would otherwise refuse what is still good, and put retries and
the shared breakers it opens away from everybody else's. It reckons in its own time and translates
what it reads and writes. It learns the difference whenever it takes a connection, at most every
``EVERY`` seconds.
"""

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.signals import connection_created
from sqlalchemy.exc import TimeoutError as PoolExhausted

log = logging.getLogger(__name__)

#: Seconds of difference that are nothing: the answer has been on its way.
NOTHING = 1.0
#: Seconds for which a difference is believed without another look, while connections are taken.
EVERY = 10.0
#: Seconds after which it is looked for even so, before a time is judged or written.
OLD = 60.0
_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
_offset = 0.0
_heard_at = float("-inf")


def heard(database: float) -> None:
    """The database has just said what time it is (unix seconds)."""
    global _offset, _heard_at
    offset = database - time.time()
    if abs(offset) < NOTHING:
        offset = 0.0
    if abs(offset - _offset) >= NOTHING:
        log.warning("this machine's clock is %+.0f s off the database's", 0.0 - offset)
        _offset = offset
    _heard_at = time.monotonic()


def look() -> None:
    """Ask the database what time it is."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW)
        heard(cursor.fetchone()[0])


def now() -> float:
    """The time by the database's clock, in unix seconds."""
    return time.time() + _offset


def moment() -> datetime:
    """The time by the database's clock.

    For what is compared with its times, or written beside them. Asks the database where nothing
    was heard of it for ``OLD`` seconds, so not for an event loop. While the database does not
    answer, what was heard last counts.
    """
    if time.monotonic() - _heard_at > OLD:
        with suppress(DatabaseError, InterfaceError, PoolExhausted):
            look()
    return datetime.fromtimestamp(now(), UTC)


def ours(shared: float) -> float:
    """A time that the database, or another process, knows, by this machine's clock."""
    return shared - _offset


def shared(ours: float) -> float:
    """A time by this machine's clock as everybody else knows it."""
    return ours + _offset


def _look_on(sender: Any, connection: Any, **_: object) -> None:
    if time.monotonic() - _heard_at < EVERY:
        return
    # Beneath Django, for whom this is no query of the request's.
    with connection.connection.cursor() as cursor:
        cursor.execute(_NOW)
        heard(cursor.fetchone()[0])


connection_created.connect(_look_on, dispatch_uid="clock")
