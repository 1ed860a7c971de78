"""Errors of the database, and which of them say nothing about the row at hand."""

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import TimeoutError as PoolExhausted

#: Errors of any statement, and of the way to the database.
FAILURES = (DatabaseError, InterfaceError, PoolExhausted)
#: Errors of a database that is away, or too busy to answer.
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
