"""The sessions that the service has with PostgreSQL, and its two pools of them."""

import threading

import pytest
from django.conf import settings
from django.db import connection, connections
from psycopg2.extensions import parse_dsn
from sqlalchemy.exc import TimeoutError as PoolExhausted

from config import database
from config.database import LIMITS


def shown(name, alias="default"):
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT setting::bigint FROM pg_settings WHERE name = '{name}'")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("alias", ["default", "reserved"])
@pytest.mark.parametrize("name", LIMITS)
def test_a_session_has_its_limits(name, alias, transactional_db):
    assert shown(name, alias) == LIMITS[name]


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("idle", 10), ("interval", 5), ("count", 3)],
)
def test_postgresql_probes_a_silent_client(name, seconds, transactional_db):
    assert shown(f"tcp_keepalives_{name}") == seconds
    assert shown("tcp_user_timeout") == 15_000


def test_libpq_gives_up_a_silent_server(transactional_db):
    with connection.cursor():
        asked = parse_dsn(connection.connection.driver_connection.dsn)
    assert {name: int(asked[name]) for name in database.KEEPALIVES} == database.KEEPALIVES


def test_the_start_finds_the_limits(transactional_db):
    database.check_at_start()


def test_a_session_without_a_limit_ends_the_process(transactional_db, monkeypatch):
    options = {**connection.settings_dict["OPTIONS"], "options": "-c lock_timeout=0"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    with pytest.raises(SystemExit, match="lock_timeout is 0 ms instead of at most 10000"):
        database.check_at_start()


def test_reserved_connections_do_not_wait_behind_work(transactional_db):
    """Every connection of the default pool is taken, and a reserved one is there at once."""
    size = settings.DATABASE_POOL
    taken, done = threading.Barrier(size + 1), threading.Event()

    def work():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            taken.wait(30)
            done.wait(30)
        connection.close()

    connection.close()
    threads = [threading.Thread(target=work) for _ in range(size)]
    for thread in threads:
        thread.start()
    taken.wait(30)
    try:
        with pytest.raises(PoolExhausted):
            connection.cursor()
        assert shown("lock_timeout", "reserved") == LIMITS["lock_timeout"]
    finally:
        done.set()
        for thread in threads:
            thread.join()
        connections["reserved"].close()


def test_reserved_connections_see_the_same_database(transactional_db):
    with connection.cursor() as cursor, connections["reserved"].cursor() as reserved:
        cursor.execute("SELECT current_database(), pg_backend_pid()")
        reserved.execute("SELECT current_database(), pg_backend_pid()")
        (name, pid), (name_of_reserved, other_pid) = cursor.fetchone(), reserved.fetchone()
    assert name == name_of_reserved and pid != other_pid


def test_a_query_set_that_is_iterated_has_no_cursor_in_postgresql(transactional_db):
    from apps.publishers.models import Publisher

    Publisher.objects.create(name="shop")
    rows = Publisher.objects.iterator(chunk_size=1)
    next(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name <> ''")
        assert cursor.fetchone() == (0,)
