"""Bulk actions on rows that others have locked: they go on, and are not done before these."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.bulk import running
from apps.bulk.actions import releasing
from apps.bulk.models import BulkAction
from apps.delivery.models import Delivery, Notification
from apps.delivery.operations import dead_letters
from tests.support.database import locks_of
from tests.support.publishers import admin_actions
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO, Shop

LOCK = "SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE"


@pytest.fixture
def failed(shop: Shop, work, providers) -> Callable[[str], list[Delivery]]:
    """Post to three people, and to one alone, by a provider that answers so; then it is well."""

    def post(answer: str) -> list[Delivery]:
        providers.client.behave("twilio", answer)
        people = [f"person-{number}" for number in range(3)]
        for number, name in enumerate(people):
            recipient(name, sms=f"+1202555010{number}")
        for users in (people, people[:1]):
            shop.post("notifications", {"user_ids": users, "channels": ["sms"], "content": HELLO})
            work()
        providers.client.heal()
        found = list(Delivery.objects.order_by("id"))
        assert len(found) == 4
        return found

    return post


def begin(shop: Shop, action: str) -> Callable[[], Any]:
    """Begin an action on everything; return what reads it."""
    body = {"action": action, "match": {"channel": "sms"}}
    key = shop.post("bulk-actions", body, status=202)["id"]
    return lambda: shop.get(f"bulk-actions/{key}")


def test_a_dead_letter_that_is_locked_is_redriven_later_and_nothing_counted_twice(
    shop, failed, monkeypatch
):
    first, *others, last = failed("401")
    Notification.objects.filter(pk=last.notification_id).update(content=b"")
    monkeypatch.setattr(dead_letters, "AT_ONCE", 1)
    redrive, calls = dead_letters.redrive, []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return redrive(*arguments)

    monkeypatch.setattr(dead_letters, "redrive", counted)
    read = begin(shop, "redrive")
    with locks_of(LOCK, first.pk):
        running.tick()
        found = read()
        assert (found["state"], found["total"], found["done"]) == ("running", 4, 3)
        assert found["counts"] == {"gone": 1, "redriven": 2}
        assert len(calls) == 4, "it does not try on and on"
        running.tick()
        assert read()["state"] == "running"
    running.tick()
    found = read()
    assert (found["state"], found["done"]) == ("done", 4)
    assert found["counts"] == {"gone": 1, "redriven": 3}
    again = Delivery.objects.filter(state="retrying")
    assert {row.pk for row in again} == {row.pk for row in (first, *others)}


@pytest.mark.parametrize("at_once", [1, 10])
def test_a_delivery_that_is_locked_is_released_later(shop, failed, monkeypatch, at_once):
    first, *_ = failed("503")
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    monkeypatch.setattr(releasing, "AT_ONCE", at_once)
    read = begin(shop, "release")
    waiting = Delivery.objects.filter(next_attempt_at__gt=timezone.now() + timedelta(minutes=30))
    with locks_of(LOCK, first.pk):
        running.tick()
        found = read()
        assert (found["state"], found["total"], found["done"]) == ("running", 4, 3)
        assert [row.pk for row in waiting.all()] == [first.pk]
    running.tick()
    found = read()
    assert (found["state"], found["done"], found["counts"]) == ("done", 4, {"released": 4})
    assert not waiting.all().exists()


def test_each_batch_of_a_release_goes_on_behind_the_one_before(shop, failed, monkeypatch):
    rows = failed("503")
    hours = timezone.now() + timedelta(hours=1)
    for number, row in enumerate(rows):  # two of them at one time
        at = hours + timedelta(minutes=number // 2)
        Delivery.objects.filter(pk=row.pk).update(next_attempt_at=at)
    monkeypatch.setattr(releasing, "AT_ONCE", 1)
    begin(shop, "release")
    key, cursors = BulkAction.objects.get().pk, []
    for _ in rows:
        assert running.go_on(key, 0)
        cursors.append(BulkAction.objects.get().cursor)
    places = [cursor.split(" ") for cursor in cursors]
    assert [place[:2] for place in places] == [["normal", "sms"]] * 4
    first, *_, last = (float(at) for _, _, at in places)
    assert [float(at) for _, _, at in places] == [first, first, last, last]
    assert last - first == pytest.approx(60, abs=1e-3)
    running.tick()
    assert (BulkAction.objects.get().state, BulkAction.objects.get().done) == ("done", 4)


@pytest.mark.parametrize("cursor", ["further", "anew", "a b", "normal sms x", "\u00b2"])
def test_a_release_that_another_version_began_is_gone_on_with(shop, failed, cursor):
    failed("503")
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    begin(shop, "release")
    BulkAction.objects.update(cursor=cursor)
    running.tick()
    assert (BulkAction.objects.get().state, BulkAction.objects.get().done) == ("done", 4)


@pytest.fixture
def lost(shop: Shop, work, providers, operator) -> None:
    """Begin to restore three people's addresses that a provider said are dead."""
    providers.client.behave("fcm", "dead")
    people = [f"person-{number}" for number in range(3)]
    for number, name in enumerate(people):
        recipient(name, push_android=f"device-000{number}:APA91bHun4MxP5egoKMwt2KZFBa")
    shop.post("notifications", {"user_ids": people, "channels": ["push"], "content": HELLO})
    work()
    button = admin_actions.restore_button(operator, "fcm", "UNREGISTERED", since="2020-01-01T00:00")
    admin_actions.begin(operator, "restore", **button)


@pytest.mark.parametrize("cursor", ["further", "1 2", "1 2 x", "\u00b2 0 0"])
def test_a_restoration_that_another_version_began_is_gone_on_with(lost, cursor):
    BulkAction.objects.update(cursor=cursor)
    running.tick()
    row = BulkAction.objects.get()
    assert (row.state, row.done) == ("done", 6)


def test_a_lost_address_of_which_the_delivery_is_locked_is_restored_later(lost):
    with locks_of(LOCK, Delivery.objects.earliest("pk").pk):
        running.tick()
        running.tick()
        row = BulkAction.objects.get()
        assert (row.state, row.total, row.done) == ("running", 6, 4)
    running.tick()
    row.refresh_from_db()
    assert (row.state, row.done) == ("done", 6)
    assert row.counts == {"contacts": 3, "suppressions": 3, "dead_letters": 3}
