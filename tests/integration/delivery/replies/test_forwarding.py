"""Other texts go to the status webhooks of whoever sent the last message, if they want that."""

import pytest

from apps.delivery.models import Notification, Reply
from tests.support.deliveries.status_webhooks import received, register_webhook
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import delivery_of

HELLO = {"body": "Coming?"}


@pytest.fixture
def forwarded(shop, other_shop, phone, providers, work):
    """Write something; the messages that came to each publisher's webhook by then."""
    register_webhook(shop, providers, "message.received", name="shop")
    register_webhook(other_shop, providers, "message.received", "failed", name="other")

    def run(text, **fields):
        phone.write(text, **fields)
        work()
        return [[one["data"]["message"] for one in received(providers, name)] for name in NAMES]

    return run


NAMES = ("shop", "other")


def test_a_reply_goes_to_whoever_sent_the_last_message(forwarded, send, shop, other_shop, phone):
    send()
    send(by=other_shop)
    mine, others = forwarded("Yes, at 8 🎉")
    assert mine == []
    [message] = others
    row = Reply.objects.get()
    assert message.pop("at").startswith("20") and message.pop("message_id") == row.message_id
    reply = message.pop("in_reply_to")
    notification = Notification.objects.filter(publisher=other_shop.id, kind="published").get()
    assert (reply["notification_id"], reply["topic"]) == (str(notification.pk), "")
    assert (reply["reference"], reply["metadata"]) == ("", {})
    assert reply["delivery_id"].startswith("dlv_")
    assert message == {"text": "Yes, at 8 🎉", "channel": "sms", "user_id": "ada"}
    assert (row.publisher_id, row.kind) == (other_shop.id, "other")
    send()
    mine, others = forwarded("And you?")
    assert ([one["text"] for one in mine], len(others)) == (["And you?"], 1)


def test_what_they_stop_start_and_ask_help_with_is_not_forwarded(forwarded, send):
    send()
    for word in ("HELP", "STOP", "START"):
        forwarded(word)
    assert forwarded("stop it please", OptOutType="HELP") == [[], []]


def test_yes_is_a_reply_unless_they_had_stopped(forwarded, send):
    send()
    assert [one["text"] for one in forwarded("YES")[0]] == ["YES"]
    forwarded("STOP")
    assert len(forwarded("YES")[0]) == 1
    assert send() == ("accepted", "")


def test_a_reply_of_somebody_who_got_nothing_is_not_forwarded(forwarded, send, phone):
    assert forwarded("Hi") == [[], []]
    forwarded("STOP")
    send()
    assert forwarded("Hi") == [[], []]
    send(channels=["inbox"])
    assert forwarded("Hi", From="+4366012345679") == [[], []]


def test_the_last_message_is_the_one_of_the_sender_that_was_written_to(
    forwarded, send, backup, shop
):
    send()
    backup.write("Hi")
    assert Reply.objects.get().publisher_id is None


def test_a_subscriber_of_anothers_topic_is_not_named(forwarded, shop, other_shop, work):
    topic = shop.topic("news")
    topic.granted_to.add(other_shop.id)
    subscribe(topic, recipient("ada", sms="+4366012345678"), "sms")
    other_shop.post("topics/news/publish", {"content": HELLO})
    work()
    _, [message] = forwarded("Who is that?")
    assert (message["user_id"], message["in_reply_to"]["topic"]) == ("", "news")


def test_a_bare_endpoint_may_reply(forwarded, shop, work):
    shop.topic("news")
    body = {"channel": "sms", "address": "+4366012345678"}
    shop.post("topics/news/subscriptions", body, status=200)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    [message], _ = forwarded("Sure")
    assert message["user_id"] == ""
    assert message["in_reply_to"]["delivery_id"] == delivery_of(shop, posted)["id"]


def test_a_long_text_is_cut(forwarded, send):
    send()
    [message], _ = forwarded("ä" * 5_000)
    assert message["text"] == "ä" * 1_600


def test_who_has_no_webhook_for_it_is_sent_nothing(shop, phone, providers, send, work):
    register_webhook(shop, providers, "delivered")
    send()
    phone.write("Hello?")
    work()
    assert received(providers, "shop") == []
    assert Reply.objects.get().publisher_id is None
