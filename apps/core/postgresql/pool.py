"""A pool of connections that makes do with those it has, where PostgreSQL gives no more."""

import threading
import time
from contextlib import suppress
from typing import Any, cast

from django.db import DatabaseError, connections
from psycopg2 import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.util.queue import Queue

#: Connections for work that a process opens at its start: one that waits for a lock stops nobody.
AT_START = 2


class Pool(QueuePool):
    """SQLAlchemy's, but who is refused another connection waits for one of the pool's own.

    PostgreSQL's connections may all be somebody else's for a while. A process that holds one goes
    on with it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._returned = threading.Condition()

    def connect(self) -> PoolProxiedConnection:
        """Return a connection of the pool.

        Raises: ``OperationalError`` where PostgreSQL gives none, and nobody gives one back within
        the pool's time or holds one.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return super().connect()
            except OperationalError:
                if not self._wait_for_another(deadline - time.monotonic()):
                    raise

    def _wait_for_another(self, seconds: float) -> bool:
        """Whether one is idle that may work, after as long a wait while others are in use."""
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
            # One that ended and has not been opened again. Another may be idle.
            super()._do_return_conn(record)
            record = super()._do_get()
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        with self._returned:
            self._returned.notify_all()

    def _invalidate(
        self, connection: Any, exception: BaseException | None = None, _checkin: bool = True
    ) -> None:
        # SQLAlchemy would close all others, too. Each is tried when it is taken, which is enough.
        if _checkin and connection.is_valid:
            connection.invalidate(exception)


def fill(alias: str, number: int) -> None:
    """Open so many of this database's connections, or all that its pool may have.

    The pool keeps them. Those that PostgreSQL does not give are opened when they are needed.
    """
    number = min(number, connections[alias].settings_dict["POOL_OPTIONS"]["POOL_SIZE"])
    # Django asks for types of PostgreSQL's on the thread's own one, with the first there is.
    taken = [connections[alias], *(connections.create_connection(alias) for _ in range(number - 1))]
    try:
        with suppress(DatabaseError):
            for connection in taken:
                connection.ensure_connection()
    finally:
        for connection in taken:
            connection.close()
