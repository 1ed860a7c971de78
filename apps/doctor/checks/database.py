"""PostgreSQL: reachable, of a version that will do, migrated, with limits, and private."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection as django_connection
from django.db.migrations.executor import MigrationExecutor

from apps.alerts.rules import PARTITION_DAYS
from apps.core.database_errors import FAILURES
from apps.delivery.holding import restore_detection, selection
from apps.delivery.maintenance import notification_retention
from apps.delivery.maintenance.partitions import making, tables
from apps.doctor.checks import connections
from apps.doctor.checks.encryption import is_local
from apps.doctor.findings import Finding, Options, Reporter

_found = Reporter("database")

#: The oldest version that will do, as PostgreSQL numbers them.
OLDEST = 140_000
#: Seconds of difference between this machine's clock and the database's.
SKEW, SKEW_AT_MOST = 1.0, 60.0
#: Bytes of the tables that can be partitioned, indexes included, from which on they should be: what
#: some half a million notifications to one recipient a day leave in 30 days.
LARGE = 20 * 2**30
#: The least ``max_locks_per_transaction`` that will do where tables are partitioned.
LOCKS = 256


def check(options: Options) -> Iterator[Finding]:
    """Check the database at ``DATABASE_URL`` over a connection outside the pool."""
    try:
        connection = psycopg2.connect(**django_connection.get_connection_params())
    except psycopg2.OperationalError as error:
        yield _found.error(
            f"PostgreSQL cannot be reached: {str(error).strip()}",
            "see whether it runs, and whether host, port, user, password and database of "
            "DATABASE_URL are right",
        )
        return
    connection.autocommit = True
    try:
        yield from _server(connection)
        yield from _pooler(connection)
        yield from _limits(connection)
        yield from _clock(connection)
        yield from _privacy(connection)
        yield from _age(connection)
        yield from connections.check(connection, options)
    finally:
        connection.close()
    yield from _migrations()
    yield from _held()
    yield from _partitions()


def _ask(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def _partitions() -> Iterator[Finding]:
    """Look at the partitions of the days to come, and at their settings, where tables have some."""
    try:
        ahead = making.days_ahead()
    except FAILURES:
        return  # said already
    if ahead is None:
        yield from _plain()
        return
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_locks_per_transaction')::int, "
            "current_setting('jit')::boolean"
        )
        locks, jit = cursor.fetchone()
    if locks < LOCKS:
        yield _found.warning(
            f"max_locks_per_transaction is {locks}, and tables are partitioned: a statement may "
            "fail with 'out of shared memory'",
            f"set it to {LOCKS} or more, and restart PostgreSQL",
        )
    if jit:
        yield _found.warning(
            "jit is on, and tables are partitioned: a statement on all partitions may be compiled "
            "for seconds before it runs for milliseconds",
            "run ALTER DATABASE … SET jit = off, and restart the processes",
        )
    if overdue := notification_retention.overdue():
        yield _found.warning(
            f"the partitions of {len(overdue)} days are kept, though nothing of them is any more, "
            f"the oldest up to {overdue[0].end}",
            'see why in the log of housekeeping, at delivery.purge_notifications: "are dropped '
            'later" names the reason; pg_stat_activity shows who keeps tables locked',
        )
    if ahead >= PARTITION_DAYS:
        yield _found.ok(f"the large tables have partitions for {ahead} days ahead")
    else:
        yield _found.warning(
            f"The partitions of the large tables end in {ahead} days: rows of later days "
            "are deleted one by one",
            "see that a housekeeping worker and beat run: delivery.purge_notifications makes them, "
            "every ten minutes; its errors are in the worker's log",
        )


def _plain() -> Iterator[Finding]:
    """Suggest partitions where the tables that could have some are large."""
    names = [table.name for table in tables.TABLES]
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s) name", [names]
        )
        (size,) = cursor.fetchone()
    if size >= LARGE:
        yield _found.warning(
            f"the tables of deliveries have {size / 2**30:,.0f} GiB and no partitions: what is "
            "over its retention is deleted row by row",
            "have them partitioned by day with manage.py partition, while the service runs "
            "(docs/operations/partitions.md)",
        )


def _held() -> Iterator[Finding]:
    """Say that something waits since a restore, which nobody else does."""
    everything = selection.Filter()
    try:
        held = selection.chunks(everything).exists() or selection.deliveries(everything).exists()
    except FAILURES as error:
        yield _found.warning(
            f"nobody knows whether something is held after a restore: {type(error).__name__}",
            "see what is said of the migrations, and ask manage.py held",
        )
        return
    if held:
        yield _found.warning(
            "what was open when the database was restored is still held",
            "list it with manage.py held, and release or cancel it",
        )


def _age(connection: Any) -> Iterator[Finding]:
    """Say that a backup was restored and nothing held, as far as Redis knows."""
    with connection.cursor() as cursor:
        minutes = restore_detection.lacking(cursor)
    if minutes is None:
        yield _found.warning(
            "could not ask Redis whether a backup was restored",
            "see what is said of Redis; processes that start meanwhile do not know it either",
        )
    elif minutes > restore_detection.TOLERATED:
        yield _found.error(
            f"the database lacks {minutes:,} minutes of which Redis knows: a backup was restored",
            "run manage.py hold before any process starts, or manage.py hold --none",
        )


def _server(connection: Any) -> Iterator[Finding]:
    version, encoding, standby = _ask(
        connection,
        "SELECT current_setting('server_version_num')::int, "
        "current_setting('server_encoding'), pg_is_in_recovery()",
    )
    shown = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    if version < OLDEST:
        yield _found.error(f"{shown} is too old", f"upgrade it to {OLDEST // 10_000} or newer")
    else:
        yield _found.ok(f"{shown} answers")
    if encoding != "UTF8":
        yield _found.error(
            f"the database's encoding is {encoding}: not every name and text can be stored",
            "create it with --encoding UTF8 --template template0",
        )
    if standby:
        yield _found.error(
            "this is a standby, which takes no writes",
            "name the primary in DATABASE_URL, or both hosts, of which libpq takes the primary",
        )


def _pooler(connection: Any) -> Iterator[Finding]:
    """Find out whether a pooler is between, and whether it has transactions.

    It gives clients a process id of its own; that of the session is PostgreSQL's.
    """
    [backend] = _ask(connection, "SELECT pg_backend_pid()")
    if backend == connection.info.backend_pid:
        return
    try:
        with closing(psycopg2.connect(**django_connection.get_connection_params())) as another:
            _ask(another, "SELECT 1")  # which begins a transaction
            _ask(another, "SELECT 1")
    except psycopg2.Error:
        yield _found.error(
            "a pooler is in front that ends each transaction after a statement",
            "set pool_mode = transaction in PgBouncer's configuration",
        )
        return
    yield _found.ok("a pooler is in front, which keeps transactions together: run migrate past it")


def _limits(connection: Any) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting::bigint FROM pg_settings WHERE name = ANY(%s)",
            [list(settings.SESSION_LIMITS)],
        )
        found = dict(cursor.fetchall())
    wrong = [
        f"{name} is {found.get(name, 0)} ms instead of {limit}"
        for name, limit in settings.SESSION_LIMITS.items()
        if not 0 < found.get(name, 0) <= limit
    ]
    if wrong:
        yield _found.error(
            f"sessions lack their limits, without which no process starts: {', '.join(wrong)}",
            "have the pooler set them, or give them to the role "
            "(docs/operations/connections.md#behind-pgbouncer)",
        )


def _clock(connection: Any) -> Iterator[Finding]:
    before = time.time()
    [there] = _ask(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
    skew = there - (before + time.time()) / 2
    if abs(skew) <= SKEW:
        return
    report = _found.error if abs(skew) > SKEW_AT_MOST else _found.warning
    yield report(
        f"this machine's clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the "
        "database's: signatures and tokens that it makes may be refused",
        "run NTP (chrony, systemd-timesyncd) on both",
    )


def _privacy(connection: Any) -> Iterator[Finding]:
    """Check that addresses do not travel in clear, and that the server proves who it is."""
    parameters = connection.info.dsn_parameters
    if is_local(connection.info.host or parameters.get("host", "")):
        return
    if not connection.info.ssl_in_use:
        yield _found.warning(
            f"the connection to {connection.info.host} has no TLS",
            "where others share that network, add sslmode=verify-full&sslrootcert=FILE to "
            "DATABASE_URL",
        )
    elif parameters.get("sslmode") != "verify-full":
        yield _found.warning(
            f"{connection.info.host} is not asked to prove who it is "
            f"(sslmode={parameters.get('sslmode')})",
            "add sslmode=verify-full&sslrootcert=FILE to DATABASE_URL",
        )


def _migrations() -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(django_connection)
    except FAILURES as error:
        yield _found.error(f"its migrations cannot be read: {error}", "see what is said above")
        return
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    disk, applied = executor.loader.disk_migrations, executor.loader.applied_migrations
    known = {*disk} | {name for migration in disk.values() for name in migration.replaces}
    ours = {app for app, _ in known}
    newer = [".".join(key) for key in applied if key[0] in ours and key not in known]
    if pending:
        names = ", ".join(f"{one.app_label}.{one.name}" for one, _ in pending[:3])
        yield _found.error(
            f"{len(pending)} migrations are pending ({names}{', …' if len(pending) > 3 else ''})",
            "run manage.py migrate",
        )
    elif newer:
        yield _found.warning(
            f"the database is of a newer version than this one: it has {', '.join(newer[:3])}",
            "finish the upgrade on this machine, too",
        )
    else:
        yield _found.ok("all migrations are applied")
