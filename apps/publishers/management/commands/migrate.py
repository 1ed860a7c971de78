"""``manage.py migrate`` beside a running service.

Statements have no time limit, and a statement that waits for a lock gives up soon, so that others
do not queue behind it for long.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dj_db_conn_pool.core import pool_container
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2.errors import DeadlockDetected, LockNotAvailable

#: Longest wait of a statement for a lock, while all others queue behind it, and the seconds for
#: which it then leaves the table to them.
LOCK_TIMEOUT, PAUSE = "1s", 1.0
#: Seconds for which a statement is retried.
PATIENCE = 600.0
_UNLIMITED = (
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 "
    f"-c lock_timeout={LOCK_TIMEOUT}"
)
_CONCURRENTLY = re.compile(r"\s*(CREATE|DROP|REINDEX)\b.*\bCONCURRENTLY\b", re.I | re.S)
_CREATED = re.compile(r'CREATE .*CONCURRENTLY (?:IF NOT EXISTS )?"?(\w+)"? ON ', re.I)


class Command(migrate.Command):
    """Django's ``migrate`` in a session without time limits."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        connection = connections[options["database"]]
        with _without_limits(connection), connection.execute_wrapper(_Patient(connection)):
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    return super().handle(*args, **options)
                except OperationalError as error:  # the migration was rolled back as a whole
                    if not _wants_lock(error) or time.monotonic() > deadline:
                        raise
                self.stderr.write("A table is locked by others; retrying")
                time.sleep(PAUSE)


class _Patient:
    """Retries statements outside transactions, where one statement can be retried by itself."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: object,
        params: object,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        if self._connection.in_atomic_block:
            return execute(sql, params, many, context)
        if _CONCURRENTLY.match(str(sql)):
            return self._concurrently(execute, sql, params, many, context)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return execute(sql, params, many, context)
            except OperationalError as error:
                if not _wants_lock(error) or time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE)

    def _concurrently(self, execute: Callable[..., Any], sql: object, *rest: object) -> Any:
        """Execute a statement with CONCURRENTLY, without a lock timeout.

        It waits for the end of every transaction, but nobody queues behind it. An index that an
        earlier run left invalid is dropped and rebuilt.
        """
        created = _CREATED.match(str(sql).strip())
        with self._connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
            try:
                if created and self._unfinished(created[1]):
                    cursor.execute(f'DROP INDEX CONCURRENTLY "{created[1]}"')
                return execute(sql, *rest)
            finally:
                cursor.execute("RESET lock_timeout")  # to the session's initial value

    def _unfinished(self, index: str) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid",
                [f'"{index}"'],
            )
            return cursor.fetchone() is not None


@contextmanager
def _without_limits(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Open this connection's sessions without time limits until the end of the block.

    Raises ``CommandError`` where a pooler sets a limit all the same.
    """
    options = connection.settings_dict["OPTIONS"]
    usual = options.get("options", "")
    options["options"] = f"{usual} {_UNLIMITED}"
    _forget_sessions(connection)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            [limit] = cursor.fetchone()
        if limit != "0":
            raise CommandError(
                f"A pooler at DATABASE_URL ends statements after {limit}, and migrations may take "
                "longer: run this with a DATABASE_URL that goes to PostgreSQL itself."
            )
        yield
    finally:
        options["options"] = usual
        _forget_sessions(connection)


def _forget_sessions(connection: BaseDatabaseWrapper) -> None:
    """Close the sessions: new ones are opened with the options as they are then."""
    connection.close()
    with pool_container.lock:
        if pool := pool_container.pop(connection.alias, None):
            pool.dispose()


def _wants_lock(error: OperationalError) -> bool:
    return isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected))
