"""``manage.py migrate`` beside a service that works on the same tables."""

import threading
import time
from contextlib import closing

import psycopg2
import pytest
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import OperationalError, connection
from django.db.models.signals import pre_migrate
from psycopg2.errors import DeadlockDetected

from apps.publishers.management.commands.migrate import _Patient
from stack.supervision.process import PATIENCE

LIMITS = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"


def limits():
    with connection.cursor() as cursor:
        cursor.execute(LIMITS)
        return cursor.fetchone()


def another():
    return psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})


def test_a_migration_may_take_as_long_as_it_needs(transactional_db):
    seen = []

    def look(**_):
        seen.append(limits())

    pre_migrate.connect(look)
    try:
        call_command("migrate", "inbox", verbosity=0)
    finally:
        pre_migrate.disconnect(look)
    assert set(seen) == {("0", "1s")}
    assert limits() == ("1min", "10s")


def test_nobody_waits_for_long_behind_a_migration_that_waits_for_a_lock(transactional_db):
    """A migration waits for an open transaction that wrote to its table; others write on."""
    came, done = [], threading.Event()

    def back():
        try:
            call_command("migrate", "inbox", "0002", verbosity=0)
            came.append("migrated")
        except Exception as error:
            came.append(error)
        finally:
            connection.close()
            done.set()

    call_command("migrate", "inbox", "0003", verbosity=0)  # what follows takes no such lock
    connection.close()
    with closing(another()) as writer, closing(another()) as other:
        writer.cursor().execute("DELETE FROM inbox_inboxitem")
        thread = threading.Thread(target=back)
        thread.start()
        longest, until = 0.0, time.monotonic() + 6
        while time.monotonic() < until:
            began = time.monotonic()
            with other, other.cursor() as cursor:
                cursor.execute("DELETE FROM inbox_inboxitem")
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.05)
        assert not done.is_set(), came
        writer.rollback()
        thread.join(PATIENCE)
    call_command("migrate", "inbox", verbosity=0)
    assert came == ["migrated"]
    assert 0.5 < longest < 5, f"somebody waited {longest:.1f} s"


def test_a_migration_that_deadlocked_is_run_again(transactional_db, monkeypatch):
    """The lock timeout of a second usually comes first, but ``deadlock_timeout`` can be less."""
    runs = []

    def handle(*args, **options):
        runs.append(options)
        if len(runs) == 1:
            raise OperationalError("deadlock detected") from DeadlockDetected()

    monkeypatch.setattr(migrate.Command, "handle", handle)
    call_command("migrate", "inbox", verbosity=0)
    assert len(runs) == 2


@pytest.fixture
def table(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE numbered (number int); INSERT INTO numbered VALUES (1), (1)")
        yield cursor
        cursor.execute("DROP TABLE numbered")


def test_an_index_that_was_left_unfinished_is_built_anew(table):
    with pytest.raises(Exception, match="could not create unique index"):
        table.execute("CREATE UNIQUE INDEX CONCURRENTLY numbers ON numbered (number)")
    table.execute("DELETE FROM numbered")
    with connection.execute_wrapper(_Patient(connection)):
        table.execute('CREATE UNIQUE INDEX CONCURRENTLY "numbers" ON "numbered" (number)')
    table.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'numbers'::regclass")
    assert table.fetchone() == (True,)
