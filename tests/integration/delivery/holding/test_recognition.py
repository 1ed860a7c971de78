"""A restored database is recognised by what Redis remembers of it, and starts once it is held."""

import io
from contextlib import contextmanager, suppress
from uuid import uuid4

import pytest
from dj_db_conn_pool.core import pool_container
from django.core.management import call_command
from django.db import OperationalError, connection, connections

from apps.core.cache import ask_redis
from apps.core.postgresql import first_connection
from apps.delivery import tasks
from apps.delivery.holding import restore_detection
from apps.delivery.models import DatabaseAge
from apps.publishers.models import AuditEvent, Publisher
from config import database
from tests.support.deliveries.backups import Backup

LACKING = "lacks 9 minutes of which Redis knows"


def pass_minutes(number):
    for _ in range(number):
        tasks.age.apply(throw=True)


def start():
    """Do what every process does before anything else."""
    database.check_at_start()


def doctor():
    output = io.StringIO()
    with suppress(SystemExit):  # of what else there is to say of the tests' settings
        call_command("doctor", stdout=output)
    return output.getvalue()


@contextmanager
def starting_without_postgresql(monkeypatch):
    """Start while PostgreSQL refuses connections; within, it grants them, and none is open."""
    monkeypatch.setattr(first_connection, "_owed", None)
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "PORT", "1")
        start()
    for alias in ("default", "reserved"):
        connections[alias].close()
        if pool_container.has(alias):
            pool_container.get(alias).dispose()
    yield
    monkeypatch.undo()


@pytest.fixture
def restored(backup):
    """A database of which a backup was restored that is nine minutes old."""
    pass_minutes(3)
    backup.dump()
    pass_minutes(9)
    start()
    backup.restore()
    return backup


def test_no_process_starts_with_a_restored_database_before_it_is_held(restored, caplog):
    with pytest.raises(SystemExit, match=LACKING):
        start()
    assert "the database lacks 9 minutes" in doctor()
    call_command("hold", stdout=io.StringIO())
    start()
    assert "the database lacks" not in doctor()
    pass_minutes(1)
    assert not caplog.records


def ids_after_a_hold():
    call_command("hold", stdout=io.StringIO())
    start()
    return {Publisher.objects.create(name=uuid4().hex).pk for _ in range(2)}


def test_each_restore_of_a_backup_is_recognised_and_gives_ids_of_its_own(backup):
    Publisher.objects.create(name="first")
    pass_minutes(1)
    backup.dump()
    pass_minutes(9)
    given = set()
    for _ in range(3):
        backup.restore()
        with pytest.raises(SystemExit, match=LACKING):
            start()
        ids = ids_after_a_hold()
        assert not ids & given
        given |= ids
        pass_minutes(9)


def test_a_restore_of_a_held_database_gives_ids_that_no_other_copy_gave(backup, tmp_path):
    Publisher.objects.create(name="first")
    pass_minutes(1)
    backup.dump()
    pass_minutes(9)
    backup.restore()
    given = ids_after_a_hold()
    of_held = Backup(tmp_path / "held.dump")
    of_held.dump()
    for one in (backup, of_held, backup):
        one.restore()
        ids = ids_after_a_hold()
        assert not ids & given
        given |= ids


def test_a_copy_that_is_held_beside_the_same_redis_does_not_stop_the_database(backup, tmp_path):
    pass_minutes(1)
    backup.dump()
    pass_minutes(9)
    production = Backup(tmp_path / "production.dump")
    production.dump()
    backup.restore()
    call_command("hold", stdout=io.StringIO())
    pass_minutes(20)
    production.restore()
    start()


def test_a_process_that_started_before_postgresql_asks_with_its_first_connection(
    restored, monkeypatch, caplog
):
    with starting_without_postgresql(monkeypatch):
        with pytest.raises(OperationalError, match=LACKING):
            connection.ensure_connection()
        with pytest.raises(OperationalError, match=LACKING):
            connections["reserved"].ensure_connection()
        [said] = [one for one in caplog.records if one.levelname == "CRITICAL"]
        assert "run manage.py hold" in said.getMessage()
        with monkeypatch.context() as another_process:
            another_process.setattr(first_connection, "_owed", None)
            call_command("hold", stdout=io.StringIO())
        connection.close()
        pool_container.get("default").dispose()
        connection.ensure_connection()
        assert first_connection._owed is None


def test_a_restored_database_starts_as_it_is_where_an_operator_says_so(restored):
    call_command("hold", "--none", stdout=io.StringIO())
    start()
    event = AuditEvent.objects.get(action="hold")
    assert event.object_name == "nothing"


def test_processes_that_run_say_that_their_database_was_restored(restored, caplog):
    pass_minutes(1)
    [record] = caplog.records
    assert record.levelname == "CRITICAL" and "run manage.py hold" in record.getMessage()
    with pytest.raises(SystemExit, match="lacks 8 minutes"):
        start()


def test_a_database_that_lacks_a_few_minutes_starts(backup, caplog):
    pass_minutes(1)
    backup.dump()
    pass_minutes(restore_detection.TOLERATED)
    backup.restore()
    start()
    pass_minutes(1)
    assert not caplog.records


def test_a_database_that_redis_does_not_remember_starts(restored):
    ask_redis(lambda client: client.delete(*client.keys("notifier:minutes-of-database:*")))
    start()
    pass_minutes(1)
    start()


def test_another_database_starts_beside_the_same_redis(restored):
    DatabaseAge.objects.all().delete()
    start()
    pass_minutes(1)
    start()


def test_a_database_starts_while_redis_is_away_and_says_that_nobody_knows(
    restored, settings, caplog
):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    start()
    [record] = caplog.records
    assert "could not ask Redis whether a backup was restored" in record.getMessage()
    assert "could not ask Redis whether a backup was restored" in doctor()
    call_command("hold", stdout=io.StringIO())
