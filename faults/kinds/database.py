"""Faults of PostgreSQL: restarted, killed, or without free connections."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from faults.harness.fault import Duplicates, fault
from faults.harness.service import PROCESSES
from faults.harness.trial import BESIDE, Trial
from faults.kinds import locks

#: Seconds for which PostgreSQL has no free connection.
CROWDED = 4
#: A role for the service, and one for another application.
ROLES = {
    "service": "IN ROLE pg_use_reserved_connections, pg_read_all_data, pg_write_all_data",
    "somebody": "",
}


@fault(Duplicates.CAPACITY, codes=None)
def database_restarted_in_the_middle_of_chunks(trial: Trial) -> None:
    """PostgreSQL is stopped while providers have messages, and started again."""
    postgres = trial.service.servers.postgres
    assert postgres
    trial.publish()
    trial.begun()
    trial.broken()
    postgres.stop()
    status, checks = trial.service.ready()
    trial.hold(status == 503, f"/readyz answered {status} without a database")
    trial.hold(checks["database"].startswith("missing: "), f"/readyz said {checks}")
    trial.hold((checks["broker"], checks["redis"]) == ("ok", "ok"), f"/readyz said {checks}")
    postgres.start()
    trial.healed()
    trial.until(lambda: trial.service.ready()[0] == 200, 30, "ready again")


@fault(Duplicates.CAPACITY, codes=None)
def database_killed_in_the_middle_of_requests(trial: Trial) -> None:
    """PostgreSQL is killed with requests in their transactions, and recovers from its log."""
    postgres = trial.service.servers.postgres
    assert postgres
    trial.publish()
    trial.begun()
    with contextlib.suppress(psycopg2.Error), locks.held(trial.service, locks.ACCEPTING):
        locks.somebody_waits(trial.service)
        trial.lasts(0.5)
        trial.broken()
        postgres.kill()
    postgres.start()
    trial.healed()


@fault(Duplicates.CAPACITY)
def database_ends_every_connection(trial: Trial) -> None:
    """PostgreSQL ends every connection, five times within two and a half seconds."""
    trial.publish()
    trial.begun()
    trial.broken()
    for _ in range(5):
        _end_others(trial)
        trial.lasts(0.5)
    trial.healed()


@fault()
def database_out_of_connections(trial: Trial) -> None:
    """Another program takes all of PostgreSQL's connections but those we opened at the start."""
    for size in (trial.size, BESIDE):
        trial.audiences.topic(size)
    trial.service.start(*PROCESSES)  # idle, so that they hold few connections
    trial.broken()
    with _crowded(trial, trial.service.connect):
        trial.publish()
        trial.lasts(CROWDED)
        trial.healed()
        trial.hold(not trial.load.refused, f"{trial.load.refused} requests were answered 503")


@fault(Duplicates.CAPACITY)
def database_out_of_connections_and_ours_ended(trial: Trial) -> None:
    """The same, and ours end: PostgreSQL reserves some for our role (`reserved_connections`)."""
    service = trial.service
    postgres = service.servers.postgres
    assert postgres
    # Neither role is a superuser, who could use PostgreSQL's last three connections.
    ours, theirs = (_role(trial, name, rights) for name, rights in ROLES.items())
    service.use_database(ours)
    try:
        trial.publish()
        trial.begun()
        trial.broken()
        with _crowded(trial, lambda: psycopg2.connect(theirs, connect_timeout=5)) as taken:
            _end_others(trial, spared=[one.info.backend_pid for one in taken])
            trial.lasts(CROWDED)
        trial.healed()
        trial.settled()
    finally:
        service.use_database(postgres.url)


@fault(Duplicates.CAPACITY, codes=None)
def database_has_no_connection_for_us(trial: Trial) -> None:
    """The same, and PostgreSQL reserves none: nothing is accepted, and nothing lost."""
    trial.publish()
    trial.begun()
    trial.broken()
    connection = trial.service.connect()
    with contextlib.closing(connection), _crowded(trial, trial.service.connect) as taken:
        _end_others(trial, connection, [one.info.backend_pid for one in taken])
        trial.lasts(CROWDED)
    trial.healed()


@fault()
def statistics_locked_for_two_minutes(trial: Trial) -> None:
    """The tables of statistics are locked for two minutes, as by building an index."""
    trial.publish()
    trial.begun()
    with locks.held(trial.service, locks.COUNTING):
        trial.broken()
        trial.lasts(120)
    trial.healed()


@contextlib.contextmanager
def _crowded(trial: Trial, connect: Callable[[], Any]) -> Iterator[list[Any]]:
    """Take every free connection, and each that becomes free; yield those taken so far."""
    taken: list[Any] = []
    over = threading.Event()

    def take() -> None:
        while not over.wait(0.02):
            with contextlib.suppress(psycopg2.OperationalError):
                while True:
                    taken.append(connect())

    crowd = threading.Thread(target=take)
    crowd.start()
    try:
        trial.until(lambda: _refused(connect), 20, "PostgreSQL has no connection left")
        yield taken
    finally:
        over.set()
        crowd.join()
        for one in taken:
            one.close()


def _refused(connect: Callable[[], Any]) -> bool:
    try:
        connect().close()
    except psycopg2.OperationalError:
        return True
    return False


def _role(trial: Trial, name: str, rights: str) -> str:
    """Create this role where it is missing; return the URL of the service's database for it."""
    url = urlsplit(trial.service.servers.database_url)
    if not trial.service.sql("SELECT FROM pg_roles WHERE rolname = %s", name):
        trial.service.sql(f"CREATE ROLE {name} LOGIN PASSWORD %s {rights}", url.password)
    return urlunsplit(url._replace(netloc=f"{name}:{url.password}@{url.hostname}:{url.port}"))


def _end_others(trial: Trial, connection: Any = None, spared: list[int] | None = None) -> None:
    using = connection or trial.service.connect()
    with using.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
            "AND pid <> ALL(%s::int[])",
            [spared or []],
        )
    using.commit()
    if connection is None:
        using.close()
