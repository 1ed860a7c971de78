"""Errors of the database that say nothing about the row at hand."""

from django.db import InterfaceError, OperationalError, connection
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import TimeoutError as PoolExhausted

#: Errors that a database has that is away.
AWAY = (OperationalError, InterfaceError, PoolExhausted)


def concerns_all(error: Exception) -> bool:
    """Return whether an error would meet any other row as well, so that all is tried again later.

    The database is away, the pool is empty, or a table is locked for longer than ``lock_timeout``:
    going on row by row would wait as long for each.
    """
    if isinstance(error, PoolExhausted):
        return True
    if isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
        return True
    return isinstance(error, AWAY) and not connection.is_usable()
