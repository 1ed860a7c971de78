"""Tables that are partitioned by day: sending as before, and days that go as a whole."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection

from apps.core.delivery_ids import number_of
from apps.delivery.maintenance.partitions import dropping, making, moving
from apps.delivery.maintenance.partitions.dropping import Awake, Span
from apps.delivery.maintenance.partitions.tables import TABLES
from apps.delivery.models import (
    Attempt,
    DeadLetter,
    Delivery,
    Notification,
    RetentionRule,
    StateCount,
)
from apps.delivery.outbox import waiting_days
from notifier.domain.ids import days
from tests.integration.delivery.partitions.conftest import held
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop, delivery_of

TODAY = datetime.now(UTC).date()


def partitions(table: str) -> set[str]:
    """Return the names of a table's partitions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


def places(table: str) -> set[str]:
    """Return the partitions in which a table's rows are."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT tableoid::regclass::text FROM {table}")
        return {name for (name,) in cursor.fetchall()}


def today_of(table: str) -> str:
    return f"{table}_{datetime.now(UTC).date():%Y%m%d}"


def midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def ahead(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


def post(shop: Shop, user: str = "ada", **fields: Any) -> Any:
    body = {"user_id": user, "content": HELLO, "channels": ["inbox"], **fields}
    return shop.post("notifications", body)


@pytest.fixture
def blast(partitioned, shop, providers, work):
    """A notification to a topic's three subscribers, one of whose tokens is dead."""
    topic = shop.topic()
    for name in ("ada", "bob", "cyd"):
        subscribe(topic, recipient(name, email=f"{name}@example.com"), "email")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["email"]})
    work()
    return posted


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


def test_a_day_goes_as_a_whole_when_all_its_records_are_over(blast, shop, purge_after):
    left = 1 - (datetime.now(UTC) - midnight()) / timedelta(days=1)
    minute = 1 / (24 * 60)
    purge_after(30 + left - minute)
    assert Notification.objects.count() == 1, "the last minute of the day is not that old"
    purge_after(30 + left + minute)
    for model in (Notification, Delivery, Attempt, StateCount):
        assert not model.objects.exists()
    for table in TABLES:
        assert today_of(table.name) not in partitions(table.name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [today_of("delivery_delivery")])
        assert cursor.fetchone() == (None,)


def test_what_is_scheduled_for_later_outlives_its_day_and_is_sent(
    partitioned, shop, work, purge_after
):
    recipient("ada")
    past = post(shop)
    work()
    later = post(shop, send_at=ahead(days=60))
    purge_after(31.1)
    assert [str(row.pk) for row in Notification.objects.all()] == [later["id"]]
    assert past["id"] != later["id"]
    assert places("delivery_notification") == {"delivery_notification_rest"}
    shop.http.patch(f"/v1/notifications/{later['id']}", {"send_at": None}, format="json")
    work()
    assert shop.counts(later) == {"inbox": {"delivered": 1}}
    purge_after(92)
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


def test_what_a_rule_keeps_moves_out_of_its_day_with_all_that_belongs_to_it(
    blast, shop, work, purge_after
):
    topic = shop.topic("kept", category="contracts")
    subscribe(topic, recipient("dan", email="dan@example.com"), "email")
    subscribe(topic, recipient("eve", email="eve@example.com"), "email")
    RetentionRule.objects.create(category="contracts", record_days=365)
    kept = shop.post("topics/kept/publish", {"content": HELLO, "channels": ["email"]})
    work()
    purge_after(31.1)
    assert [str(row.pk) for row in Notification.objects.all()] == [kept["id"]]
    assert shop.counts(kept) == {"email": {"accepted": 2}}
    found = shop.get(f"notifications/{kept['id']}/deliveries")["data"]
    assert len(found) == Attempt.objects.count() == 2
    for table in ("notification", "delivery", "attempt", "statecount"):
        assert places(f"delivery_{table}") == {f"delivery_{table}_rest"}


def test_a_day_of_which_much_is_kept_is_deleted_row_by_row(
    blast, shop, work, purge_after, monkeypatch
):
    monkeypatch.setattr(dropping, "MOST_KEPT", 0)
    RetentionRule.objects.create(category="contracts", record_days=365)
    topic = shop.topic("kept", category="contracts")
    subscribe(topic, recipient("dan"), "inbox")
    kept = shop.post("topics/kept/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    purge_after(31.1)
    assert [str(row.pk) for row in Notification.objects.all()] == [kept["id"]]
    assert places("delivery_delivery") == {today_of("delivery_delivery")}


def test_nothing_is_dropped_that_has_work_again(partitioned, shop):
    recipient("ada")
    post(shop)
    Delivery.objects.update(next_attempt_at=datetime.now(UTC))
    today = datetime.now(UTC).date()
    posted = post(shop)
    row = Notification.objects.get(pk=posted["id"])
    Delivery.objects.create(
        notification=row,
        claim_id=1,
        channel="inbox",
        priority="normal",
        next_attempt_at=datetime.now(UTC),
        created_at=row.created_at,
        updated_at=row.created_at,
    )
    with pytest.raises(Awake):
        dropping.drop(Span(today, today + timedelta(days=1)), [])
    assert Delivery.objects.count() == 1
    assert today_of("delivery_delivery") in partitions("delivery_delivery")


def test_partitions_are_made_a_week_ahead(partitioned, purge_after):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLES[1].of_day(TODAY + timedelta(days=7))}")
    assert len(making.make_ahead()) == 1
    assert making.make_ahead() == []
    purge_after(3)
    for table in TABLES:
        assert table.of_day(TODAY + timedelta(days=10)) in partitions(table.name)


def test_a_day_without_partitions_loses_nothing(partitioned, shop, work, caplog):
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE {table.before}, {today_of(table.name)}")
            making.add(cursor, table, TODAY - timedelta(days=1))
    waiting_days.forget()
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
    waiting_days.forget()
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
    waiting_days.forget()
    work()
    assert Delivery.objects.get().state == "delivered"
    assert places("delivery_delivery") == {f"delivery_delivery_{old:%Y%m%d}"}


def test_dead_letters_of_a_dropped_day_go_with_it(partitioned, shop, work, purge_after):
    recipient("ada")
    post(shop)
    work()
    row = Delivery.objects.get()
    Delivery.objects.update(state="dead")
    DeadLetter.objects.create(
        delivery=row, publisher_id=row.publisher_id, channel="inbox", died_at=row.updated_at
    )
    purge_after(31.1)
    assert not DeadLetter.objects.exists()
    assert not Delivery.objects.exists()


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
    waiting_days.forget()
    work()
    assert shop.counts(posted)["inbox"] and Delivery.objects.get().state == "delivered"


def test_a_locked_day_is_dropped_by_a_later_run_and_not_row_by_row(
    blast, shop, purge_after, monkeypatch
):
    monkeypatch.setattr(dropping, "LONGEST", 0.1)
    monkeypatch.setattr(making, "LONGEST", 0.1)
    with held("delivery_delivery"):
        purge_after(31.1)
        assert Notification.objects.count() == 1
    purge_after(31.1)
    assert not Notification.objects.exists()


def test_what_an_interrupted_run_took_out_is_dropped_with_what_refers_to_it(blast, purge_after):
    row = Delivery.objects.first()
    DeadLetter.objects.create(
        delivery=row, publisher_id=row.publisher_id, channel="email", died_at=row.updated_at
    )
    with connection.cursor() as cursor:
        for table in TABLES:
            name = today_of(table.name)
            cursor.execute(f"ALTER TABLE {table.name} DETACH PARTITION {name}")
            cursor.execute(f"ALTER TABLE {name} RENAME TO {name}_gone")
    purge_after(0)
    assert not DeadLetter.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE '%\\_gone'")
        assert cursor.fetchall() == []


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
