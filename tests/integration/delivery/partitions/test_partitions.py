"""Tables that are partitioned by day: sending as before, and days that go as a whole."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection

from apps.core.delivery_ids import number_of
from apps.delivery.maintenance.partitions import locks, making, moving
from apps.delivery.maintenance.partitions.tables import TABLES
from apps.delivery.models import (
    Delivery,
)
from apps.delivery.outbox import partition_bounds
from notifier.domain.ids import days
from tests.integration.delivery.partitions.conftest import slow_alter
from tests.integration.delivery.partitions.places import partitions, places, post, today_of
from tests.support.database import locks_of
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import delivery_of

TODAY = datetime.now(UTC).date()


def test_rows_of_a_notification_are_in_its_days_partitions(blast, shop):
    assert shop.counts(blast) == {"email": {"accepted": 3}}
    for table in ("notification", "delivery", "attempt", "statecount"):
        assert places(f"delivery_{table}") == {today_of(f"delivery_{table}")}
    listed = shop.get(f"notifications/{blast['id']}/deliveries")["data"]
    assert {number_of(one["id"]) for one in listed} == {row.pk for row in Delivery.objects.all()}


def test_nobody_has_two_deliveries_of_a_notification_at_one_address(blast):
    row = Delivery.objects.first()
    with pytest.raises(IntegrityError, match="notification_id"):
        Delivery.objects.create(
            notification_id=row.notification_id,
            contact_id=row.contact_id,
            recipient_id=row.recipient_id,
            claim_id=1,
            channel=row.channel,
            priority=row.priority,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


def test_partitions_are_made_a_week_ahead(partitioned, purge_after):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLES[1].of_day(TODAY + timedelta(days=7))}")
    assert len(making.make_ahead()) == 1
    assert making.make_ahead() == []
    purge_after(3)
    for table in TABLES:
        assert table.of_day(TODAY + timedelta(days=10)) in partitions(table.name)


def test_no_row_is_read_under_the_lock_that_attaches_a_partition(partitioned):
    with connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = debug1")
        said = connection.connection.notices
        try:
            for table in TABLES:
                cursor.execute(f"DROP TABLE {table.of_day(TODAY + timedelta(days=7))}")
                said.clear()
                assert len(making.make_ahead()) == 1
                implied = [line for line in said if "is implied by existing constraints" in line]
                assert any(f'"{table.rest}"' in line for line in implied), said
        finally:
            cursor.execute("RESET client_min_messages")
    assert checks() == []


def checks() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conname ~ '_without_[0-9]+$'")
        return [name for (name,) in cursor.fetchall()]


def test_a_coming_day_with_rows_in_the_rest_gets_no_partition_and_refuses_none(
    partitioned, shop, caplog
):
    day = TODAY + timedelta(days=7)
    recipient("ada")
    post(shop)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLES[0].of_day(day)}")
        cursor.execute("UPDATE delivery_notification SET id = %s", [days.first_notification(day)])
    assert places("delivery_notification") == {"delivery_notification_rest"}
    assert making.make_ahead() == []
    assert "gets no partition any more" in caplog.text
    assert checks() == []


@pytest.fixture
def a_day_is_missing(partitioned, monkeypatch):
    monkeypatch.setattr(making, "LONGEST", 0.1)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLES[0].of_day(TODAY + timedelta(days=7))}")


def test_a_partition_that_takes_long_to_attach_leaves_nothing_that_refuses_its_rows(
    a_day_is_missing, monkeypatch
):
    monkeypatch.setattr(making, "STATEMENT", "200ms")
    with slow_alter("delivery_notification"):
        assert making.make_ahead() == []
    assert checks() == []
    assert len(making.make_ahead()) == 1


def test_a_partition_that_others_keep_from_being_attached_leaves_nothing_either(a_day_is_missing):
    with locks_of("LOCK TABLE ONLY delivery_notification IN SHARE UPDATE EXCLUSIVE MODE"):
        assert making.make_ahead() == []
    assert checks() == []
    assert len(making.make_ahead()) == 1


def test_a_vacuum_of_the_rest_is_waited_for_no_longer_than_some_seconds(partitioned, monkeypatch):
    monkeypatch.setattr(making, "VALIDATING_WAITS", "100ms")
    day = TODAY + timedelta(days=9)
    making._exclude(TABLES[0], day)
    with (
        locks_of("LOCK TABLE delivery_notification_rest IN SHARE UPDATE EXCLUSIVE MODE"),
        pytest.raises(locks.Busy),
    ):
        making._validate(TABLES[0], day)


def test_what_a_killed_run_said_of_a_coming_day_is_forgotten(partitioned, purge_after):
    day = TODAY + timedelta(days=9)
    making._exclude(TABLES[0], day)
    assert checks() == [TABLES[0].without(day)]
    purge_after(0)
    assert checks() == []


def test_a_day_without_partitions_loses_nothing(partitioned, shop, work, caplog):
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE {table.before}, {today_of(table.name)}")
            making.add(cursor, table, TODAY - timedelta(days=1))
    partition_bounds.forget()
    recipient("ada")
    posted = post(shop)
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert places("delivery_delivery") == {"delivery_delivery_rest"}
    making.make_ahead()
    assert "gets no partition any more" in caplog.text


def test_what_waits_in_an_older_day_is_found(partitioned, shop, work):
    old = datetime.now(UTC).date() - timedelta(days=3)
    with connection.cursor() as cursor:
        for table in TABLES[:3]:
            cursor.execute(f"DROP TABLE {table.before}")
            making.add(cursor, table, old)
    partition_bounds.forget()
    recipient("ada")
    posted = post(shop)
    work()
    number = number_of(delivery_of(shop, posted)["id"])
    moved = days.first_delivery(old) + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_delivery SET id = %s, state = 'retrying', attempts = 0, "
            "next_attempt_at = now() WHERE id = %s",
            [moved, number],
        )
    partition_bounds.forget()
    work()
    assert Delivery.objects.get().state == "delivered"
    assert places("delivery_delivery") == {f"delivery_delivery_{old:%Y%m%d}"}


def test_what_waits_in_the_rest_is_found_between_days_that_have_partitions(partitioned, shop, work):
    today = datetime.now(UTC).date()
    with connection.cursor() as cursor:
        for table in TABLES[:3]:
            cursor.execute(f"DROP TABLE {table.before}")
            making.add(cursor, table, today - timedelta(days=5))
    recipient("ada")
    posted = post(shop)
    work()
    moved = days.first_delivery(today - timedelta(days=3)) + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_delivery SET id = %s, state = 'retrying', attempts = 0, "
            "next_attempt_at = now()",
            [moved],
        )
    assert places("delivery_delivery") == {"delivery_delivery_rest"}
    partition_bounds.forget()
    work()
    assert shop.counts(posted)["inbox"] and Delivery.objects.get().state == "delivered"


def test_numbers_begin_with_the_day_of_the_notification_and_follow_on_afterwards(
    plain_afterwards, shop, work, monkeypatch
):
    recipient("ada")
    monkeypatch.setattr(moving, "MARGIN", 0)
    moving.partition_all()
    try:
        post(shop)
        work()
        number = Delivery.objects.get().pk
        assert days.of_delivery(number) == datetime.now(UTC).date()
    finally:
        moving.undo()
    post(shop)
    work()
    assert sorted(Delivery.objects.values_list("pk", flat=True)) == [number, number + 1]
