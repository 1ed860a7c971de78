"""What ``manage.py doctor`` says of PostgreSQL."""

import os
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.db import connection

from apps.core import clock
from apps.doctor.checks import database
from apps.doctor.findings import Level
from config.database import CONNECT_QUERY
from stack import debian
from stack.backends.pgbouncer import PgBouncer
from stack.backends.postgres import Postgres
from stack.state_directory import fresh, kept
from stack.supervision import ports, unprivileged
from tests.integration.delivery.partitions.conftest import partitioned
from tests.integration.doctor.conftest import only
from tests.support.fakes import certificates
from tests.support.programs import need

__all__ = ["partitioned"]  # fixtures


def url(name: str) -> str:
    """The URL of another database of the tests' server."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def of_tests() -> str:
    return url(connection.settings_dict["NAME"])


def about(findings, name="database"):
    return [one for one in findings if one.about == name and one.level != Level.OK]


def test_nothing_is_said_of_a_database_that_will_do(doctor):
    assert doctor("database") == doctor("connections") == []


def test_a_database_that_cannot_be_reached_is_an_error_without_the_password(command):
    address = f"postgres://notifier:secret@127.0.0.1:{ports.free()}/notifier"
    code, findings = command(DATABASE_URL=address)
    assert code == 1
    found = only(findings, Level.ERROR, "cannot be reached")
    assert "refused" in found.message and "secret" not in found.message + found.remedy


def test_a_version_that_is_too_old_is_an_error(doctor, monkeypatch):
    monkeypatch.setattr(database, "OLDEST", 990_000)
    assert "99 or newer" in only(doctor("database"), Level.ERROR, "is too old").remedy


@pytest.fixture
def ascii_database():
    """An empty database in another encoding."""
    server = psycopg2.connect(os.environ["DATABASE_URL"])
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(
            "CREATE DATABASE doctor_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' "
            "LOCALE_PROVIDER libc LOCALE 'C'"
        )
        yield url("doctor_ascii")
        cursor.execute("DROP DATABASE doctor_ascii WITH (FORCE)")
    server.close()


def test_an_encoding_and_pending_migrations_are_errors(ascii_database, command):
    code, findings = command(DATABASE_URL=ascii_database)
    assert code == 1
    assert "--encoding UTF8" in only(findings, Level.ERROR, "encoding is SQL_ASCII").remedy
    assert only(findings, Level.ERROR, "migrations are pending").remedy == "run manage.py migrate"


def test_a_database_of_a_newer_version_is_a_warning(doctor):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('delivery', '9999_newer', now())"
        )
    assert "delivery.9999_newer" in only(doctor("database"), Level.WARNING, "newer").message


def test_sessions_without_their_limits_are_an_error(command, transactional_db):
    off = "?options=-c%20statement_timeout%3D0"
    code, findings = command(DATABASE_URL=of_tests() + off)
    assert code == 1
    only(findings, Level.ERROR, "statement_timeout is 0 ms instead of 60000")


def test_a_clock_that_is_off_is_a_warning_and_by_a_minute_an_error(doctor, monkeypatch):
    for seconds, level in ((5, Level.WARNING), (90, Level.ERROR)):
        clock = SimpleNamespace(time=lambda seconds=seconds: time.time() + seconds)
        monkeypatch.setattr(database, "time", clock)
        only(doctor("database"), level, f"{seconds} s ahead of the database's")


def test_a_standby_is_an_error(command):
    with fresh("standby") as state:
        with Postgres(state):
            pass
        standby = Postgres(state)
        signal = standby.data / "standby.signal"
        signal.touch()
        unprivileged.give(signal)
        with standby:
            _, findings = command(DATABASE_URL=standby.url)
    only(findings, Level.ERROR, "a standby")


def test_a_database_elsewhere_is_to_have_tls(monkeypatch, doctor):
    monkeypatch.setattr(database, "is_local", lambda host: False)
    assert "sslmode=verify-full" in only(doctor("database"), Level.WARNING, "no TLS").remedy


@pytest.fixture
def state(tmp_path):
    need(debian.PGBOUNCER)
    with kept(tmp_path / "state") as state:
        yield state


@pytest.fixture
def bouncer(state, transactional_db):
    """Make a PgBouncer in front of the tests' database that pools in this mode."""
    limited = f"connect_query='{CONNECT_QUERY}'"

    def start(mode, more=""):
        more = f"ignore_startup_parameters = options\npool_mode = {mode}\n{more}"
        return PgBouncer(state, of_tests(), database=limited, settings=more)

    return start


def test_a_database_elsewhere_is_to_prove_who_it_is(bouncer, state, monkeypatch):
    """PgBouncer has the TLS, which the tests' PostgreSQL was built without."""
    monkeypatch.setattr(database, "is_local", lambda host: False)
    pem, key = certificates.make(state.path("certificates"), "localhost")
    for path in (pem, key):
        unprivileged.give(path)
    tls = f"client_tls_sslmode = require\nclient_tls_cert_file = {pem}\nclient_tls_key_file = {key}"
    with bouncer("transaction", tls) as pooler:
        at = pooler.url.replace("127.0.0.1", "localhost")
        proves = f"{at}?sslmode=verify-full&sslrootcert={pem}"
        for address, said in ((at, ["is not asked to prove who it is"]), (proves, [])):
            with psycopg2.connect(address) as session:
                found = [one.message for one in database._privacy(session)]
            assert len(found) == len(said) and all(one in found[0] for one in said)


def test_a_pooler_that_ends_each_transaction_is_an_error(bouncer, command):
    with bouncer("statement") as pooler:
        code, findings = command(DATABASE_URL=pooler.url)
    assert code == 1
    only(findings, Level.ERROR, "ends each transaction after a statement")


def test_a_pooler_of_transactions_will_do(bouncer, command):
    with bouncer("transaction") as pooler:
        _, findings = command(DATABASE_URL=pooler.url)
    assert "keeps transactions together" in str(findings)
    assert about(findings) == []


def test_more_processes_than_postgresql_has_connections_for_are_a_warning(doctor):
    found = only(doctor("connections", "--processes", "all=9"), Level.WARNING, "gives")
    assert "max_connections" in found.remedy


def test_connections_of_others_count(doctor, monkeypatch):
    """The tests' role is everybody's here, so those of another role are made."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        [most] = cursor.fetchone()
    role = psycopg2.connect(os.environ["DATABASE_URL"])
    role.autocommit = True
    with role.cursor() as cursor:
        cursor.execute("CREATE ROLE others LOGIN PASSWORD 'others'")
    parts = urlsplit(os.environ["DATABASE_URL"])
    address = parts._replace(netloc=f"others:others@{parts.hostname}:{parts.port}").geturl()
    held = [psycopg2.connect(address) for _ in range(3)]
    try:
        nearly = (int(most) - 4) // 8  # workers with eight connections each
        numbers = f"all=0,push={nearly}"
        only(doctor("connections", "--processes", numbers), Level.WARNING, "others have")
    finally:
        for one in held:
            one.close()
        with role.cursor() as cursor:
            cursor.execute("DROP ROLE others")
        role.close()


def test_a_limit_of_the_database_is_a_warning(command, transactional_db):
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 50')
    try:
        _, findings = command(DATABASE_URL=of_tests())
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
    only(findings, Level.WARNING, "the database may have 50")


def test_a_worker_counts_its_reserved_connections_and_the_api_each_of_its_processes(monkeypatch):
    from apps.doctor.checks.connections import wanted

    none = dict.fromkeys(
        [*("web", "stream", "housekeeping", "beat", "flower", "fanout", "fanout_high")]
        + [f"{one}{end}" for one in ("push", "sms", "email", "webhook") for end in ("", "_high")],
        0,
    )
    monkeypatch.setenv("WEB_PROCESSES", "3")
    assert wanted(none | {"push": 2}) == 2 * (5 + 3)
    assert wanted(none | {"web": 1}) == 3 * 5
    assert wanted(none | {"flower": 4}) == 4 * 5


def test_tables_that_are_large_and_plain_should_be_partitioned(doctor, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('delivery_attempt')")
        [of_one] = cursor.fetchone()
    monkeypatch.setattr(database, "LARGE", of_one + 1)  # all five have more than one of them
    found = only(doctor("database"), Level.WARNING, "no partitions")
    assert "manage.py partition" in found.remedy


def test_nobody_is_told_to_partition_tables_that_are_partitioned(partitioned, doctor, monkeypatch):
    monkeypatch.setattr(database, "LARGE", 0)
    assert not [one for one in doctor("database") if "no partitions" in one.message]


def test_partitions_that_end_soon_are_a_warning(partitioned, doctor):
    only(doctor("database"), Level.WARNING, "max_locks_per_transaction is 64")
    with connection.cursor() as cursor:
        for name in partitions_of(cursor, "delivery_attempt")[-7:]:
            cursor.execute(f"DROP TABLE {name}")
    found = only(doctor("database"), Level.WARNING, "end in 0 days")
    assert "delivery.purge_notifications" in found.remedy


def test_partitions_that_outlive_their_records_are_a_warning(partitioned, doctor):
    kept = "nothing of them is any more"
    assert not [one for one in doctor("database") if kept in one.message]
    clock.synchronize(time.time() + 33.1 * 24 * 3600)
    try:
        found = only(doctor("database"), Level.WARNING, kept)
    finally:
        clock.measure()
    assert "delivery.purge_notifications" in found.remedy


def test_jit_is_a_warning_where_tables_are_partitioned(partitioned, doctor):
    with connection.cursor() as cursor:
        cursor.execute("SET jit = on")
        try:
            found = only(doctor("database"), Level.WARNING, "jit is on")
        finally:
            cursor.execute("RESET jit")
    assert "jit = off" in found.remedy


def partitions_of(cursor, table):
    """Return the partitions that a table has of days, the oldest first."""
    cursor.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits "
        "WHERE inhparent = %s::regclass AND inhrelid::regclass::text ~ '[0-9]$' ORDER BY 1",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]
