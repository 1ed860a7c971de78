"""A connection pool that makes do with its connections when PostgreSQL grants no more."""

import select
import threading
import time
from contextlib import suppress
from typing import Any, cast

from django.db import DatabaseError, connections
from psycopg2 import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.util.queue import Queue

#: Connections that a process opens at its start: two, so that one waiting for a lock stops nobody.
AT_START = 2
#: Seconds for which a connection that was returned is taken again without a query that tests it,
#: unless its socket says that the server closed it.
TRUSTED_SECONDS = 5.0


class Pool(QueuePool):
    """SQLAlchemy's ``QueuePool``, which waits for one of its own connections if refused another.

    Other clients may hold all of PostgreSQL's connections for a while. A process that holds at
    least one goes on with it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._returned = threading.Condition()

    def connect(self) -> PoolProxiedConnection:
        """Return a connection of the pool.

        Raises ``OperationalError`` where PostgreSQL grants none and none is returned to the pool
        within its timeout, or none is in use that could be.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return super().connect()
            except OperationalError:
                if not self._wait_for_another(deadline - time.monotonic()):
                    raise

    def _wait_for_another(self, seconds: float) -> bool:
        """Wait for an idle connection while others are in use; whether there is one in time."""
        with self._returned:
            self._returned.wait_for(lambda: self._idle() or not self.checkedout(), max(0, seconds))
            return seconds > 0 and self._idle()

    def _idle(self) -> bool:
        idle = cast(Queue[ConnectionPoolEntry], self._pool)
        with idle.mutex:
            return any(record.dbapi_connection is not None for record in idle.queue)

    def _do_get(self) -> ConnectionPoolEntry:
        record = super()._do_get()
        for _ in range(self.checkedin()):
            if record.dbapi_connection is not None:
                break
            # Its connection was closed and not reopened. Another record may have an open one.
            super()._do_return_conn(record)
            record = super()._do_get()
        # SQLAlchemy does not test a fresh connection. Its test is a query, which takes PostgreSQL
        # as long as half of a small transaction.
        if _trusted(record):
            cast(Any, record).fresh = True
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED] = time.monotonic()
        super()._do_return_conn(record)
        with self._returned:
            self._returned.notify_all()

    def _invalidate(
        self, connection: Any, exception: BaseException | None = None, _checkin: bool = True
    ) -> None:
        # SQLAlchemy would close all others, too. Testing each when it is taken is enough.
        if _checkin and connection.is_valid:
            connection.invalidate(exception)


#: Key of the time of a connection's return in what SQLAlchemy keeps with it.
_RETURNED = "returned"


def _trusted(record: ConnectionPoolEntry) -> bool:
    """Return whether a connection was in use a moment ago, and nothing has come from the server.

    A server that ends says so, and closes the connection: both can be read from an idle one.
    """
    connection: Any = record.dbapi_connection
    if connection is None or connection.closed:
        return False
    if time.monotonic() - record.info.get(_RETURNED, float("-inf")) > TRUSTED_SECONDS:
        return False
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return not poller.poll(0)


def fill(alias: str, number: int) -> None:
    """Open ``number`` connections of this database, or as many as its pool may have.

    The pool keeps them. Those that PostgreSQL refuses are opened when they are needed.
    """
    number = min(number, connections[alias].settings_dict["POOL_OPTIONS"]["POOL_SIZE"])
    # The thread's own connection is the first: Django looks up PostgreSQL's types on that one.
    taken = [connections[alias], *(connections.create_connection(alias) for _ in range(number - 1))]
    try:
        with suppress(DatabaseError):
            for connection in taken:
                connection.ensure_connection()
    finally:
        for connection in taken:
            connection.close()
