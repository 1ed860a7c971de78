"""Days of which the records are over go as a whole, but for what is kept."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apps.delivery.maintenance.partitions import dropping, making
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
from tests.integration.delivery.partitions.conftest import held, slow_alter
from tests.integration.delivery.partitions.places import (
    partitions,
    places,
    post,
    take_out_today,
    today_of,
)
from tests.support.database import locks_of
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO


def midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def ahead(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


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


_SLOWLY = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
CREATE TRIGGER slowly BEFORE INSERT ON delivery_delivery_rest
    FOR EACH ROW EXECUTE FUNCTION slowly()
"""


def test_a_day_of_which_what_is_kept_takes_long_to_move_is_deleted_row_by_row(
    blast, shop, work, purge_after, monkeypatch
):
    RetentionRule.objects.create(category="contracts", record_days=365)
    subscribe(shop.topic("kept", category="contracts"), recipient("dan"), "inbox")
    kept = shop.post("topics/kept/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    monkeypatch.setattr(dropping, "UNDER_LOCKS", 0.1)
    monkeypatch.setattr(dropping, "LONGEST", 0.1)
    with connection.cursor() as cursor:
        cursor.execute(_SLOWLY)
    try:
        purge_after(31.1)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION slowly CASCADE")
    assert [str(row.pk) for row in Notification.objects.all()] == [kept["id"]]
    assert places("delivery_delivery") == {today_of("delivery_delivery")}
    assert shop.counts(kept) == {"inbox": {"delivered": 1}}


def test_a_day_is_dropped_once_another_process_has_deleted_the_rule_that_kept_it(
    blast, purge_after, monkeypatch
):
    monkeypatch.setattr(dropping, "MOST_KEPT", 0)
    owner = Notification.objects.get().publisher_id
    RetentionRule.objects.create(publisher_id=owner, record_days=60)
    purge_after(31.1)
    assert today_of("delivery_delivery") in partitions("delivery_delivery")
    RetentionRule.objects.all().delete()
    purge_after(31.1)
    assert today_of("delivery_delivery") not in partitions("delivery_delivery")


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


def test_a_locked_day_is_dropped_by_a_later_run_and_not_row_by_row(
    blast, shop, purge_after, monkeypatch
):
    with monkeypatch.context() as patch, held("delivery_delivery"):
        patch.setattr(dropping, "LONGEST", 0.1)
        patch.setattr(making, "LONGEST", 0.1)
        purge_after(31.1)
        assert Notification.objects.count() == 1
    purge_after(31.1)
    assert not Notification.objects.exists()


def test_a_day_that_takes_long_to_take_out_goes_once_it_is_two_days_overdue(
    blast, purge_after, monkeypatch, caplog
):
    monkeypatch.setattr(dropping, "UNDER_LOCKS", 0.2)
    monkeypatch.setattr(dropping, "LONGEST", 0.1)
    with slow_alter("delivery_notification"):
        purge_after(31.1)
        assert today_of("delivery_delivery") in partitions("delivery_delivery")
        assert any("dropped later" in line.message for line in caplog.records if warns(line))
        purge_after(33.1)
    assert today_of("delivery_delivery") not in partitions("delivery_delivery")


def warns(line: logging.LogRecord) -> bool:
    return line.levelno >= logging.WARNING


def test_what_an_interrupted_run_took_out_is_dropped_with_what_refers_to_it(blast, purge_after):
    die(Delivery.objects.first())
    take_out_today()
    purge_after(0)
    assert not DeadLetter.objects.exists()
    assert taken_out() == []


def die(row: Delivery) -> None:
    DeadLetter.objects.create(
        delivery=row, publisher_id=row.publisher_id, channel="email", died_at=row.updated_at
    )


def taken_out() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE '%\\_gone' ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall()]


def test_what_was_taken_out_and_is_held_by_others_keeps_no_record_waiting(
    blast, shop, purge_after, work
):
    dead = Delivery.objects.first()
    die(dead)
    take_out_today()
    post(shop)
    work()
    assert places("delivery_notification") == {"delivery_notification_rest"}
    with locks_of("SELECT FROM delivery_deadletter WHERE delivery_id = %s FOR UPDATE", dead.pk):
        purge_after(31.1)
    assert not Notification.objects.exists()
    assert taken_out() == [f"{today_of('delivery_delivery')}_gone"]
    purge_after(31.1)
    assert taken_out() == [] and not DeadLetter.objects.exists()


def test_references_go_in_windows_and_those_of_what_is_kept_stay(
    blast, shop, purge_after, monkeypatch
):
    monkeypatch.setattr(dropping, "AT_ONCE", 2)
    rows = list(Delivery.objects.order_by("pk"))
    for row in rows:
        die(row)
    take_out_today()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO delivery_delivery SELECT * FROM {today_of('delivery_delivery')}_gone "
            "WHERE id = %s",
            [rows[1].pk],
        )
    dropping.drop_detached()
    assert [one.pk for one in DeadLetter.objects.all()] == [rows[1].pk]
    assert taken_out() == []
