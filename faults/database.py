"""PostgreSQL that is restarted, or has no connection left."""

import contextlib
import time
from typing import Any

import psycopg2

from faults import locks
from faults.fault import Twice, fault
from faults.trial import Trial


@fault(Twice.CAPACITY, codes=None)
def database_restarted_in_the_middle_of_chunks(trial: Trial) -> None:
    """PostgreSQL is stopped while providers have messages, and started again."""
    postgres = trial.line.servers.postgres
    assert postgres
    trial.publish()
    trial.begun()
    trial.broken()
    postgres.stop()
    status, checks = trial.line.ready()
    trial.hold(status == 503, f"/readyz answered {status} without a database")
    trial.hold(checks["database"].startswith("missing: "), f"/readyz said {checks}")
    trial.hold((checks["broker"], checks["redis"]) == ("ok", "ok"), f"/readyz said {checks}")
    postgres.start()
    trial.healed()
    trial.until(lambda: trial.line.ready()[0] == 200, 30, "ready again")


@fault(Twice.CAPACITY, codes=None)
def database_killed_in_the_middle_of_requests(trial: Trial) -> None:
    """PostgreSQL is killed with requests in their transactions, and recovers from its log."""
    postgres = trial.line.servers.postgres
    assert postgres
    trial.publish()
    trial.begun()
    with contextlib.suppress(psycopg2.Error), locks.held(trial.line, locks.ACCEPTING):
        locks.somebody_waits(trial.line)
        trial.lasts(0.5)
        trial.broken()
        postgres.kill()
    postgres.start()
    trial.healed()


@fault(Twice.CAPACITY, codes=None)
def database_ends_every_connection(trial: Trial) -> None:
    """PostgreSQL ends every connection, five times within two and a half seconds."""
    trial.publish()
    trial.begun()
    trial.broken()
    for _ in range(5):
        _end_others(trial)
        trial.lasts(0.5)
    trial.healed()


@fault(Twice.CAPACITY, codes=None)
def database_out_of_connections(trial: Trial) -> None:
    """Somebody else has every one of PostgreSQL's connections, for four seconds."""
    trial.publish()
    trial.begun()
    trial.broken()
    taken: list[Any] = []
    ours = trial.line.connect()
    try:
        _take_all(trial, taken)
        _end_others(trial, ours, [one.info.backend_pid for one in taken])
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            _take_all(trial, taken)
            time.sleep(0.05)
    finally:
        for connection in [*taken, ours]:
            connection.close()
    trial.healed()


@fault(codes=None)
def statistics_locked_for_two_minutes(trial: Trial) -> None:
    """Somebody builds an index on the tables of statistics, for two minutes."""
    trial.publish()
    trial.begun()
    with locks.held(trial.line, locks.COUNTING):
        trial.broken()
        trial.lasts(120)
    trial.healed()


def _take_all(trial: Trial, taken: list[Any]) -> None:
    with contextlib.suppress(psycopg2.OperationalError):
        while True:
            taken.append(trial.line.connect())


def _end_others(trial: Trial, connection: Any = None, spared: list[int] | None = None) -> None:
    using = connection or trial.line.connect()
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
