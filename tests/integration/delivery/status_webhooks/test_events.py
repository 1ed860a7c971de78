"""Events that a status webhook reports: states, receivers and number of messages.

The receiver is the sandbox, which verifies every signature and answers a wrong one with 401.
"""

import pytest
from django.utils import timezone

from apps.delivery import sealed_content
from apps.delivery.models import Delivery, Notification
from apps.preferences.models import Recipient
from tests.support.deliveries.status_webhooks import HELLO, notify, received, register_webhook
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import delivery_of


def test_what_was_delivered_is_reported_without_address_and_content(shop, outside, work):
    register_webhook(shop, outside, "delivered")
    recipient("ada", email="ada@example.com")
    shop.topic("news")
    shop.post("topics/news/subscriptions", {"user_id": "ada", "channels": ["inbox"]}, status=200)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    [event] = received(outside)
    row = delivery_of(shop, posted)
    assert set(event) == {"type", "timestamp", "data"}
    assert event["type"] == "delivery.delivered"
    assert event["data"] == {
        "deliveries": [
            {
                "delivery_id": row["id"],
                "notification_id": posted["id"],
                "reference": "",
                "metadata": {},
                "topic": "news",
                "channel": "inbox",
                "user_id": "ada",
                "state": "delivered",
                "reason": "",
                "at": row["updated_at"],
            }
        ]
    }


@pytest.mark.parametrize(
    ("state", "channel", "address", "reason"),
    [
        ("accepted", "email", "ada@example.com", ""),
        ("failed", "push_android", "sandbox-dead", "dead_address"),
        ("dead", "email", "500@sandbox.example", "provider_error"),
        ("suppressed", "sms", "", "no_address"),
    ],
)
def test_each_state_is_reported_with_its_reason_and_no_other(
    shop, outside, work, state, channel, address, reason
):
    register_webhook(shop, outside, state)
    register_webhook(
        shop, outside, *({"accepted", "failed", "dead", "suppressed"} - {state}), name="others"
    )
    recipient("ada", **({channel: address} if address else {}))
    posted = notify(shop, "ada", channels=[channel.partition("_")[0]])
    work()
    assert delivery_of(shop, posted)["state"] == state
    [event] = received(outside)
    assert event["type"] == f"delivery.{state}"
    [reported] = event["data"]["deliveries"]
    assert (reported["state"], reported["reason"], reported["topic"]) == (state, reason, "")
    assert received(outside, "others") == []


def test_what_expires_and_what_is_cancelled_while_it_waits_is_reported(
    shop, outside, work, settings
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "email": (3600.0,)}
    register_webhook(shop, outside, "cancelled", "expired")
    recipient("ada", email="503@sandbox.example")
    cancelled, expired = notify(shop, "ada", channels=["email"]), notify(shop, "ada")
    Notification.objects.filter(pk=expired["id"]).update(expires_at=timezone.now())
    work()
    shop.post(f"notifications/{cancelled['id']}/cancel", {}, status=200)
    work()
    events = {event["type"]: event["data"]["deliveries"] for event in received(outside)}
    assert set(events) == {"delivery.cancelled", "delivery.expired"}
    [reported] = events["delivery.cancelled"]
    assert reported["notification_id"] == cancelled["id"]
    assert {one["notification_id"] for one in events["delivery.expired"]} == {expired["id"]}


def test_another_publisher_gets_no_event(shop, other_shop, outside, work):
    register_webhook(other_shop, outside, "delivered", name="other")
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert received(outside, "other") == []
    assert Notification.objects.filter(kind="status").count() == 0


def test_a_granted_publisher_is_not_sent_who_is_subscribed(shop, other_shop, outside, work):
    register_webhook(shop, outside, "delivered")
    topic = other_shop.topic("theirs")
    topic.granted_to.add(shop.id)
    topic.save()
    subscribe(topic, recipient("ada"), "inbox")
    shop.post("topics/theirs/publish", {"content": HELLO})
    work()
    [event] = received(outside)
    [reported] = event["data"]["deliveries"]
    assert (reported["topic"], reported["state"], reported["user_id"]) == (
        "theirs",
        "delivered",
        "",
    )


def test_each_of_several_endpoints_gets_the_events_it_chose(shop, outside, work):
    register_webhook(shop, outside, "delivered", name="all")
    register_webhook(shop, outside, "delivered", "suppressed", name="both")
    recipient("ada")
    notify(shop, "ada", channels=["inbox", "sms"])
    work()
    assert [event["type"] for event in received(outside, "all")] == ["delivery.delivered"]
    assert {event["type"] for event in received(outside, "both")} == {
        "delivery.delivered",
        "delivery.suppressed",
    }


def test_a_hundred_and_twenty_deliveries_are_reported_in_messages_of_up_to_fifty(
    shop, outside, work
):
    register_webhook(shop, outside, "suppressed")
    names = [f"user-{number}" for number in range(120)]
    Recipient.objects.bulk_create(Recipient(user_id=name) for name in names)
    notify(shop, *names, channels=["sms"])
    work()
    batches = [event["data"]["deliveries"] for event in received(outside)]
    assert sorted(map(len, batches)) == [20, 50, 50]
    assert {one["user_id"] for batch in batches for one in batch} == set(names)


def test_long_names_make_messages_of_fewer_so_that_each_is_taken(shop, outside, work):
    register_webhook(shop, outside, "suppressed")
    names = [f"{number:02}" + "\N{PILE OF POO}" * 198 for number in range(50)]
    Recipient.objects.bulk_create(Recipient(user_id=name) for name in names)
    topic = shop.topic("t" * 200)
    for name in names:
        shop.post(
            f"topics/{topic.name}/subscriptions", {"user_id": name, "channels": ["sms"]}, status=200
        )
    shop.post(f"topics/{topic.name}/publish", {"content": HELLO})
    work()
    assert len(received(outside)) > 1
    assert {row.state for row in Delivery.objects.filter(channel="webhook")} == {"delivered"}
    # Not as it arrived: how much of a body the sandbox keeps is its own affair.
    events = [
        sealed_content.unseal(row.pk, row.content)
        for row in Notification.objects.filter(kind="status")
    ]
    reported = [one["user_id"] for event in events for one in event.data["deliveries"]]
    assert sorted(reported) == names
