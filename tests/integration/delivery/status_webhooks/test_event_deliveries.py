"""Events are deliveries themselves: retried, disabled, and reported by no further event."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery import tasks
from apps.delivery.models import Delivery, Notification
from apps.delivery.state import counts
from apps.delivery.status_webhooks import events as status_events
from apps.preferences.models import Contact
from tests.support.deliveries.status_webhooks import (
    change_events,
    notify,
    received,
    register_webhook,
)
from tests.support.publishers.people import recipient


def test_an_endpoint_that_is_down_gets_its_events_when_it_is_up_again(shop, outside, work, wake):
    register_webhook(shop, outside, "delivered", query="?behave=500x2")
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert received(outside) == []
    for _ in range(2):
        wake()
        work()
    [event] = received(outside)
    assert event["type"] == "delivery.delivered"
    [row] = Delivery.objects.filter(channel="webhook")
    assert (row.state, row.attempts) == ("delivered", 3)


def test_events_cause_no_events(shop, outside, work, settings):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "webhook": ()}
    register_webhook(shop, outside, "delivered", "dead", "failed", name="well")
    register_webhook(
        shop, outside, "delivered", "dead", "failed", name="broken", query="?behave=500"
    )
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert len(received(outside, "well")) == 1
    states = Delivery.objects.filter(channel="webhook").values_list("state", flat=True)
    assert sorted(states) == ["dead", "delivered"], "both moved, and neither was told of"


def test_confirmations_cause_no_events(shop, outside, work):
    register_webhook(shop, outside, "accepted", "dead")
    shop.post("topics", {"name": "offers", "requires_confirmation": True}, status=201)
    requested = {"channel": "email", "address": "ada@example.com"}
    shop.post("topics/offers/subscriptions", requested, status=200)
    tasks.confirmations.apply(throw=True)
    work()
    assert Delivery.objects.get().state == "accepted"
    assert received(outside) == []


def test_events_are_neither_listed_nor_counted_nor_charged(shop, outside, work):
    register_webhook(shop, outside, "delivered")
    recipient("ada")
    posted = notify(shop, "ada", channels=["inbox"])
    before = shop.get("usage")["quota"]["used"]
    work()
    assert len(received(outside)) == 1
    assert [row["id"] for row in shop.get("notifications")["data"]] == [posted["id"]]
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert shop.get("usage")["quota"]["used"] == before == 1
    telling = Notification.objects.get(kind="status")
    assert telling.priority == "low"
    shop.get(f"notifications/{telling.pk}", status=404)


def test_an_endpoint_that_is_gone_is_disabled_until_it_is_asked_for_again(shop, outside, work):
    made = register_webhook(shop, outside, "delivered", query="?behave=deadx1")
    recipient("ada")
    path = f"status-webhooks/{made['id']}"
    notify(shop, "ada", channels=["inbox"])
    work()
    assert shop.get(path)["state"] == "disabled"
    notify(shop, "ada", channels=["inbox"])
    work()
    assert Notification.objects.filter(kind="status").count() == 1, "it is left alone"
    assert change_events(shop, made, ["delivered"])["state"] == "active"
    notify(shop, "ada", channels=["inbox"])
    work()
    assert len(received(outside)) == 1
    Contact.objects.filter(channel="webhook").update(state="disabled")
    again = register_webhook(shop, outside, "delivered", query="?behave=deadx1", status=200)
    assert (again["id"], again["state"]) == (made["id"], "active")


def test_a_transition_that_is_rolled_back_is_not_reported(shop, outside, work, monkeypatch):
    register_webhook(shop, outside, "delivered")
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    add, failures = counts.add_attempts, iter([True])

    def fail_once(attempts):
        add(attempts)
        if next(failures, False):
            raise RuntimeError("after it was told")

    monkeypatch.setattr(counts, "add_attempts", fail_once)
    work()  # what failed is written down again, alone
    assert Notification.objects.filter(kind="status").count() == 1
    work()
    assert len(received(outside)) == 1


def test_where_nobody_listens_a_move_costs_no_statement(shop, outside):
    status_events.publish([(1, "delivered")])  # the look-up, once
    with CaptureQueriesContext(
        connection,
    ) as captured:
        status_events.publish([(1, "delivered")])
    assert len(captured) == 0
