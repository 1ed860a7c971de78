"""A restored database is recognised by what Redis remembers of it, and starts once it is held."""

import io
from contextlib import suppress

import pytest
from django.core.management import call_command

from apps.core.cache import ask_redis
from apps.delivery import tasks
from apps.delivery.holding import recognition
from apps.delivery.models import DatabaseAge
from apps.publishers.models import AuditEvent
from config import database

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
    restored.restore()
    with pytest.raises(SystemExit, match=r"lacks 1,000,000,\d\d\d minutes"):
        start()


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
    pass_minutes(recognition.TOLERATED)
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


def test_a_database_starts_while_redis_is_away(restored, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    start()
