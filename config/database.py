"""The connection to PostgreSQL: ``DATABASE_URL`` parsed, and the limits of every session.

The limits are start-up parameters. A pooler such as PgBouncer may drop those, so ``check_limits``
verifies at the start of each process that they hold.
"""

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from psycopg2.extensions import parse_dsn

log = logging.getLogger(__name__)

#: Milliseconds. A statement, lock or idle transaction that takes longer is a fault that must show.
#: The last limit also ends the transaction of a host that lost its power.
LIMITS = {
    "statement_timeout": 60_000,
    "lock_timeout": 10_000,
    "idle_in_transaction_session_timeout": 30_000,
}
#: libpq parameters by which either end gives up a silent peer: probes begin after 10 seconds of
#: silence, and the connection ends at 15 s (Linux's default: 2 hours 11 minutes).
KEEPALIVES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
#: Seconds for connecting to one host; libpq tries the hosts of a URL in turn.
CONNECT_TIMEOUT = 5
#: Connections of each process for leases, cancellation and recording, which must never wait behind
#: other work.
RESERVED = 3

_SESSION = {
    **LIMITS,
    # The server's end of the connection, as PostgreSQL names these parameters.
    "tcp_keepalives_idle": KEEPALIVES["keepalives_idle"],
    "tcp_keepalives_interval": KEEPALIVES["keepalives_interval"],
    "tcp_keepalives_count": KEEPALIVES["keepalives_count"],
    "tcp_user_timeout": KEEPALIVES["tcp_user_timeout"],
    "TimeZone": "UTC",
}
#: Accepted values of ``target_session_attrs`` for several hosts: the service needs the primary.
_PRIMARY = ("read-write", "primary")
_DJANGO = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
CONNECT_QUERY = "; ".join(f"SET {name} = {value}" for name, value in LIMITS.items())
_WHAT_TO_DO = (
    "In PgBouncer's configuration, set ignore_startup_parameters = options, and give the database "
    f"connect_query='{CONNECT_QUERY}'. docs/operations/connections.md#behind-pgbouncer says more"
)


def settings(url: str, pool: int, pool_timeout: float) -> dict[str, dict[str, Any]]:
    """Return Django's ``DATABASES``: ``default``, and ``reserved`` with a small pool of its own.

    ``pool``: connections of ``default``; ``pool_timeout``: seconds to wait for one.

    Raises ``ImproperlyConfigured`` where libpq cannot parse the URL; the text omits the password.
    """
    default = _parsed(url) | {
        # A thread returns its connection to the process's pool while it waits for a provider.
        "ENGINE": "apps.core.postgresql",
        "CONN_MAX_AGE": 0,
        # A named cursor outlives its transaction; behind a pooler the next one may be on another
        # connection.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "POOL_OPTIONS": {
            "POOL_SIZE": pool,
            "MAX_OVERFLOW": 0,
            "TIMEOUT": pool_timeout,
            # Never close one for its age: PostgreSQL may have no other connection to give.
            "RECYCLE": -1,
            "PRE_PING": True,
        },
    }
    reserved = default | {
        "POOL_OPTIONS": default["POOL_OPTIONS"] | {"POOL_SIZE": RESERVED},
        "TEST": {"MIRROR": "default"},
    }
    return {"default": default, "reserved": reserved}


def check_at_start() -> None:
    """Exit with an error message where sessions would lack their limits.

    And where the database is known to be older than it was.
    """
    # Outside the pool: the master process must not open a connection that its forks share.
    parameters = connections["default"].get_connection_params()
    try:
        check_limits(parameters)
        check_age(parameters)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def check_age(parameters: Mapping[str, Any]) -> None:
    """Raise ``ImproperlyConfigured`` where the database lacks minutes that Redis knows of.

    Where PostgreSQL does not answer yet, this process, and those that it forks, ask with their
    first connection instead, which they do not get before the answer is good.
    """
    from apps.core.postgresql import first_connection  # once Django is set up
    from apps.delivery.holding import restore_detection

    try:
        with closing(psycopg2.connect(**parameters)) as connection:
            why = restore_detection.reason_to_stop(connection)
    except psycopg2.Error as error:
        log.warning(
            "PostgreSQL does not answer (%s): whether a backup was restored is asked with the "
            "first connection",
            type(error).__name__,
        )
        first_connection.owe(restore_detection.reason_to_stop)
        return
    if why:
        raise ImproperlyConfigured(why)


def check_limits(parameters: Mapping[str, Any]) -> None:
    """Check that a new session has the limits. Return quietly where PostgreSQL does not answer.

    ``parameters``: the arguments of ``psycopg2.connect``.

    Raises ``ImproperlyConfigured`` where a limit is off or larger than ours, and where the server
    or libpq refuses one of the parameters. The text says what to do.
    """
    try:
        connection = psycopg2.connect(**parameters)
    except psycopg2.OperationalError as error:
        message = str(error).strip()
        if "unsupported startup parameter" in message or "unsupported options" in message:
            raise ImproperlyConfigured(
                f"The server at DATABASE_URL does not take the limits of a session. {_WHAT_TO_DO}"
            ) from None
        if message.startswith("invalid "):
            raise ImproperlyConfigured(f"DATABASE_URL cannot be used: {message}") from None
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, setting::bigint FROM pg_settings WHERE name = ANY(%s)",
                [list(LIMITS)],
            )
            found: dict[str, int] = dict(cursor.fetchall())
    finally:
        connection.close()
    wrong = [
        f"{name} is {found.get(name, 0)} ms instead of at most {limit}"
        for name, limit in LIMITS.items()
        if not 0 < found.get(name, 0) <= limit
    ]
    if wrong:
        raise ImproperlyConfigured(
            f"Sessions at DATABASE_URL lack their limits: {', '.join(wrong)}. {_WHAT_TO_DO}"
        )


def _parsed(url: str) -> dict[str, Any]:
    """Parse the URL into a ``DATABASES`` entry; parameters without a key go to ``OPTIONS``."""
    try:
        found: dict[str, Any] = parse_dsn(url)
    except psycopg2.ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {_without_secrets(str(error))}") from None
    if not found.get("dbname") and not found.get("service"):
        raise ImproperlyConfigured("DATABASE_URL names no database: postgres://user@host/DATABASE")
    for port in found.get("port", "").split(","):
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
            raise ImproperlyConfigured(f"DATABASE_URL has a port that is none: {port!r}")
    several = "," in found.get("host", "")
    wanted = found.setdefault("target_session_attrs", _PRIMARY[0] if several else "any")
    if wanted not in (*_PRIMARY, *(() if several else ("any",))):
        raise ImproperlyConfigured(
            f"DATABASE_URL has target_session_attrs={wanted}: the service writes, and needs "
            f"{' or '.join(_PRIMARY)}"
        )
    options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, **KEEPALIVES}
    options |= {name: value for name, value in found.items() if name not in _DJANGO}
    # If both set the same parameter, the later one counts: the URL's.
    defaults = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    options["options"] = f"{defaults} {found.get('options', '')}".rstrip()
    return {key: found.get(name, "") for name, key in _DJANGO.items()} | {"OPTIONS": options}


def _without_secrets(message: str) -> str:
    """Drop what libpq's message quotes, which may be a password, except a parameter's name."""
    message = message.strip().removeprefix("invalid dsn: ")
    named = re.match(r'invalid URI query parameter: "\w+"', message)
    return named[0] if named else message.partition('"')[0].rstrip(": ")
