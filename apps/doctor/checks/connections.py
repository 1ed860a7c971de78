"""Room for the processes' connections: PostgreSQL's ``max_connections`` against their pools."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from apps.doctor.findings import Finding, Options, Reporter

_found = Reporter("connections")

# A role with pg_use_reserved_connections may use those that PostgreSQL 16 can reserve.
_ROOM = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int,
       coalesce(current_setting('reserved_connections', true)::int, 0),
       (SELECT count(*) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND usename <> current_user),
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database())
"""


def wanted(processes: Mapping[str, int]) -> int:
    """Return how many connections these processes take at most."""
    databases = settings.DATABASES
    pool = databases["default"]["POOL_OPTIONS"]["POOL_SIZE"]
    reserved = databases["reserved"]["POOL_OPTIONS"]["POOL_SIZE"]
    return sum(
        processes[one.name]
        * (int(os.environ.get("WEB_PROCESSES") or 2) if one.name == "web" else 1)
        * (pool + reserved * one.reserved)
        for one in settings.PROCESSES
    )


def check(connection: Any, options: Options) -> Iterator[Finding]:
    """Compare what the processes take with what PostgreSQL gives."""
    with connection.cursor() as cursor:
        cursor.execute(_ROOM)
        available, reserved, others, of_role, of_database = cursor.fetchone()
    need = wanted(options.processes)
    limits = [limit for limit in (of_role, of_database) if limit >= 0]
    if limits and min(limits) < need:
        yield _found.warning(
            f"the processes open up to {need} connections, and the role or the database may have "
            f"{min(limits)}",
            f"ALTER ROLE … CONNECTION LIMIT {need}, and the same for the database",
        )
    if available < need:
        yield _found.warning(
            f"the processes open up to {need} connections, and PostgreSQL gives {available} to all",
            f"set max_connections to {need + 20} or more, lower NOTIFIER_DATABASE_POOL, or put "
            "PgBouncer in front (docs/operations/connections.md#behind-pgbouncer)",
        )
    elif available - others < need:
        yield _found.warning(
            f"the processes open up to {need} connections; PostgreSQL gives {available}, of which "
            f"others have {others} now",
            "raise max_connections, or keep some for the service "
            "(docs/operations/connections.md#reserved-connections)",
        )
    else:
        kept = f", {reserved} of them reserved" if reserved else ""
        yield _found.ok(f"the processes open up to {need} of {available}{kept}")
