"""An existing database is partitioned while it is used, and made plain again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from apps.delivery.maintenance.partitions import locks, making, moving
from apps.delivery.maintenance.partitions.tables import TABLES
from apps.delivery.models import Delivery, Notification
from tests.integration.delivery.partitions.conftest import held, slow_alter
from tests.integration.delivery.partitions.places import take_out_today
from tests.support.deliveries.workers import in_thread
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO

INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) ORDER BY indexname
"""
COLUMNS = """
SELECT table_name, column_name, is_nullable, column_default, is_identity
  FROM information_schema.columns WHERE table_name = ANY(%s)
 ORDER BY table_name, ordinal_position
"""


def described(cursor, statement):
    cursor.execute(statement, [[table.name for table in TABLES]])
    return cursor.fetchall()


def sent(shop, work, **fields):
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"], **fields}
    posted = shop.post("notifications", body)
    work()
    return posted


def later():
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def test_what_was_there_is_there_and_what_comes_goes_out(shop, work, plain_afterwards):
    recipient("ada")
    before = sent(shop, work)
    waiting = sent(shop, work, send_at=later())
    call_command("partition")
    after = sent(shop, work)
    shop.http.patch(f"/v1/notifications/{waiting['id']}", {"send_at": None}, format="json")
    work()
    for posted in (before, waiting, after):
        assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM delivery_delivery")
        assert cursor.fetchall() == [("delivery_delivery_before",)]


def test_plain_tables_are_as_they_were(shop, work, plain_afterwards):
    recipient("ada")
    sent(shop, work)
    with connection.cursor() as cursor:
        before = [described(cursor, one) for one in (INDEXES, COLUMNS)]
        call_command("partition")
        sent(shop, work)
        rows = list(Delivery.objects.order_by("pk").values())
        call_command("partition", "--undo")
        assert [described(cursor, one) for one in (INDEXES, COLUMNS)] == before
    assert list(Delivery.objects.order_by("pk").values()) == rows
    sent(shop, work)
    assert Delivery.objects.count() == Notification.objects.count() == 3


def test_tables_are_plain_again_though_a_run_had_not_dropped_what_it_took_out(
    shop, work, plain_afterwards, monkeypatch
):
    monkeypatch.setattr(moving, "MARGIN", 0)
    call_command("partition")
    take_out_today()
    recipient("ada")
    call_command("partition", "--undo")
    sent(shop, work)
    assert Delivery.objects.count() == 1


def test_what_interrupts_it_leaves_plain_tables_and_nothing_is_read_twice(
    shop, work, plain_afterwards
):
    recipient("ada")
    sent(shop, work)

    def interrupted(line: str) -> None:
        if "delivery_statecount: reading" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.partition_all(interrupted)
    assert len(constraints()) == 3, "they hold until the day after tomorrow"
    assert sent(shop, work)["id"]
    read: list[str] = []
    assert moving.partition_all(read.append) == 5
    assert [line.partition(":")[0] for line in read[:-1]] == [one.name for one in TABLES[3:]]
    assert moving.partition_all() == 0
    assert constraints() == []
    assert Delivery.objects.count() == 2


def constraints():
    """Return the constraints that would refuse rows one day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conname LIKE 'delivery%\\_until\\_2%'"
        )
        return [name for (name,) in cursor.fetchall()]


def test_what_a_killed_one_left_is_removed_before_it_refuses_rows(shop, purge_after):
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    with locks.alone():
        moving._check(TABLES[0], tomorrow)
        moving._read(TABLES[0], tomorrow)
        moving._check(TABLES[1], tomorrow + timedelta(days=1))  # and was killed while reading it
        purge_after(0)
        assert len(constraints()) == 2, "one is running"
        with pytest.raises(CommandError):
            call_command("partition")
    purge_after(0)
    assert constraints() == []


def test_reading_waits_for_a_vacuum_and_not_for_ever(shop, plain_afterwards, monkeypatch):
    end = datetime.now(UTC).date() + timedelta(days=2)
    moving._check(TABLES[0], end)
    with (
        monkeypatch.context() as patch,
        held("delivery_notification", "SHARE UPDATE EXCLUSIVE"),
        pytest.raises(locks.Busy),
    ):
        patch.setattr(moving, "LONGEST", 0.2)
        patch.setattr(making, "VALIDATING_WAITS", "50ms")
        moving._read(TABLES[0], end)
    moving._read(TABLES[0], end)


def test_a_table_that_is_not_read_in_time_stays_plain(transactional_db, plain_afterwards):
    with (
        pytest.MonkeyPatch.context() as patch,
        slow_alter("delivery_notification"),
        pytest.raises(CommandError, match="not read in time"),
    ):
        for name, value in (("MARGIN", 0), ("LEAST", 0.1), ("LONGEST", 0.0)):
            patch.setattr(moving, name, value)
        call_command("partition")
    assert constraints() == []


def test_it_says_what_it_did_and_what_is_so_already(transactional_db, plain_afterwards, capsys):
    said = []
    for arguments in ([], [], ["--undo"], ["--undo"]):
        call_command("partition", *arguments)
        said.append(capsys.readouterr().out.splitlines()[-1])
    nothing = "There is nothing to do: the tables are"
    assert said == [
        *("5 tables are partitioned.", f"{nothing} partitioned already."),
        *("5 tables are plain again.", f"{nothing} not partitioned."),
    ]


def test_an_index_that_was_left_unfinished_is_not_built_while_everybody_waits(
    transactional_db, plain_afterwards
):
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX half_built ON delivery_attempt (provider)")
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'half_built'::regclass"
        )
        try:
            with pytest.raises(CommandError, match=r"half_built\. Run manage\.py migrate"):
                call_command("partition")
        finally:
            cursor.execute("DROP INDEX half_built")
    assert constraints() == []


def test_it_waits_for_a_transaction_and_nobody_waits_for_it(shop, plain_afterwards, monkeypatch):
    monkeypatch.setattr(locks, "PAUSE", 0.01)
    with held("delivery_notification"):
        mover = in_thread(moving.partition_all)
        assert not Notification.objects.exists(), "who comes later gets by"
        assert mover.is_alive()
    mover.join(60)
    assert moving.partition_all() == 0


def test_it_gives_up_on_a_table_that_is_held_for_ever(shop, plain_afterwards, monkeypatch):
    with (
        monkeypatch.context() as patch,
        held("delivery_notification"),
        pytest.raises(CommandError, match="pg_stat_activity"),
    ):
        patch.setattr(moving, "LONGEST", 0.2)
        call_command("partition")
