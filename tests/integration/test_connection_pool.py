"""The pool of a process, where PostgreSQL gives it fewer connections than it may have."""

import threading
import time
from contextlib import closing

import psycopg2
import pytest
from dj_db_conn_pool.core import pool_container
from django.conf import settings
from django.db import connection, connections
from psycopg2.sql import SQL, Identifier
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from apps.core.postgresql import pool as pools
from apps.core.postgresql.pool import Pool
from apps.delivery.outbox import reserved
from config import database

ROLE = "frugal"
SIZE, TIMEOUT = 3, 5.0


def allow(number):
    """Limit the role to so many connections from now on."""
    with connection.cursor() as cursor:
        cursor.execute(SQL("ALTER ROLE {} CONNECTION LIMIT %s").format(Identifier(ROLE)), [number])


@pytest.fixture
def pool(transactional_db):
    """A pool of a role's connections."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'frugal'")
    parameters = connection.get_connection_params() | {"user": ROLE, "password": "frugal"}
    made = Pool(
        lambda: psycopg2.connect(**parameters),
        pool_size=SIZE,
        max_overflow=0,
        timeout=TIMEOUT,
        pre_ping=True,
        dialect=PGDialect_psycopg2(dbapi=psycopg2),
    )
    yield made
    made.dispose()
    end_all()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE {ROLE}")


def end_all():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s",
            [ROLE],
        )


def test_a_thread_that_is_refused_one_waits_for_one_that_comes_back(pool):
    allow(1)
    first = pool.connect()
    threading.Timer(0.5, first.close).start()
    began = time.monotonic()
    with closing(pool.connect()):
        assert 0.4 < time.monotonic() - began < TIMEOUT


def test_many_threads_share_the_only_one(pool):
    allow(1)
    done, failed = [], []

    def work():
        try:
            for _ in range(20):
                with closing(pool.connect()) as one, one.cursor() as cursor:
                    cursor.execute("SELECT 1")
            done.append(1)
        except psycopg2.OperationalError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and len(done) == 8


def test_nobody_waits_where_nobody_has_one(pool):
    allow(0)
    began = time.monotonic()
    with pytest.raises(psycopg2.OperationalError):
        pool.connect()
    assert time.monotonic() - began < TIMEOUT / 2


def test_who_waits_is_refused_in_time(pool):
    allow(1)
    with closing(pool.connect()):
        began = time.monotonic()
        with pytest.raises(psycopg2.OperationalError):
            pool.connect()
        assert TIMEOUT * 0.9 < time.monotonic() - began < TIMEOUT * 2


def test_who_waits_is_refused_when_the_last_one_breaks(pool):
    allow(1)
    first = pool.connect()

    def ended():
        end_all()
        allow(0)
        first.invalidate()

    timer = threading.Timer(0.5, ended)
    timer.start()
    began = time.monotonic()
    with pytest.raises(psycopg2.OperationalError):
        pool.connect()
    assert time.monotonic() - began < TIMEOUT * 0.9
    timer.join()


def test_one_that_works_is_taken_before_those_that_ended(pool):
    taken = [pool.connect() for _ in range(SIZE)]
    end_all()
    for one in taken:
        one.close()
    allow(1)
    # The first is opened again. The others find that they may not be.
    for _ in range(2 * SIZE):
        with closing(pool.connect()) as one, one.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_one_that_ends_takes_no_other_with_it(pool):
    taken = [pool.connect() for _ in range(SIZE)]
    pids = [one.info.backend_pid for one in (fairy.driver_connection for fairy in taken)]
    for one in taken:
        one.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pids[0]])
    allow(0)
    for _ in range(2 * SIZE):
        with closing(pool.connect()) as one, one.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone()[0] in pids[1:]


def test_one_that_was_just_in_use_is_taken_without_a_query(pool, monkeypatch):
    for seconds, expected in ((60.0, "ROLLBACK"), (0.0, "SELECT 1")):
        monkeypatch.setattr(pools, "TRUSTED_SECONDS", seconds)
        with closing(pool.connect()) as one, one.cursor() as cursor:
            cursor.execute("SELECT 'its own'")
        with closing(pool.connect()) as one:  # rolled back when it was returned
            assert last_query(one) == expected


def last_query(taken):
    """Return the last query that a connection's session ran."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE pid = %s",
            [taken.driver_connection.info.backend_pid],
        )
        return cursor.fetchone()[0]


def test_one_that_ended_while_idle_is_replaced_unnoticed(pool):
    with closing(pool.connect()) as one:
        pid = one.driver_connection.info.backend_pid
    end_all()
    with closing(pool.connect()) as one, one.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != pid


def test_a_filled_pool_keeps_what_was_opened(transactional_db):
    for alias, one in ((one.alias, one) for one in connections.all()):
        one.close()
        if pool_container.has(alias):
            pool_container.pop(alias).dispose()
    reserved.fill()
    assert pool_container.get("reserved").checkedin() == database.RESERVED
    pools.fill("default", 100)  # no more than its pool may have
    assert pool_container.get("default").checkedin() == settings.DATABASE_POOL
