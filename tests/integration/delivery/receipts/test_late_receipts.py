"""Receipts in any order, of earlier attempts, and again."""

import pytest

from apps.delivery.models import ReceiptEvent
from apps.preferences.consent import suppressions
from apps.preferences.models import DirectoryChange, Suppression
from tests.support.deliveries.signed_receipts import (
    EMAIL,
    PHONE,
    by_sendgrid,
    by_twilio,
    events_of,
    post_receipt,
    read_receipts,
)
from tests.support.publishers.shop import delivery_of


def test_a_bounce_is_the_last_word_whenever_it_comes(shop, callback, send):
    first, second = send("email", EMAIL), send("email", "bob@example.com")
    one, two = delivery_of(shop, first)["id"], delivery_of(shop, second)["id"]
    for batch in (
        [(one, "delivered"), (two, "bounce")],
        [(one, "bounce"), (two, "delivered")],
        [(one, "delivered"), (two, "deferred")],
    ):
        post_receipt(by_sendgrid(*batch))
        read_receipts()
    for posted in (first, second):
        assert delivery_of(shop, posted)["state"] == "bounced"
        assert shop.counts(posted) == {"email": {"bounced": 1}}


def test_the_loss_of_an_earlier_message_says_nothing_of_the_one_that_followed(
    shop, callback, providers, send, wake, work, settings
):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    providers.client.behave("twilio", "torn", address=PHONE, times=1)
    posted = send("sms", PHONE, priority="high")
    assert delivery_of(shop, posted)["state"] == "retrying"
    early = delivery_of(shop, posted)["id"]
    lost = {"MessageStatus": "undelivered", "ErrorCode": "30003"}
    post_receipt(by_twilio(callback, early, token, MessageSid="SMfirst", **lost))
    read_receipts()
    wake()
    work()
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("accepted", "")
    post_receipt(by_twilio(callback, row["id"], token, MessageSid="SMfirst", **lost))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "accepted"
    ours = row["provider_message_id"]
    post_receipt(by_twilio(callback, row["id"], token, MessageSid=ours, **lost))
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("bounced", "unreachable")
    assert not ReceiptEvent.objects.filter(pending=True).exists()


def test_a_late_receipt_of_the_first_provider_leaves_the_seconds_message_alone(
    shop, callback, providers, send, wake, work, settings
):
    settings.PROVIDERS = {
        **settings.PROVIDERS,
        "twilio-backup": {**settings.PROVIDERS["twilio"]},
    }
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    providers.client.behave("twilio", "500", address=PHONE, times=1)
    posted = send("sms", PHONE)
    wake()
    work()
    row = delivery_of(shop, posted)
    assert (row["state"], row["provider"]) == ("accepted", "twilio-backup")
    ours = row["provider_message_id"]
    lost = {"MessageStatus": "failed", "MessageSid": ours}
    post_receipt(by_twilio(callback, row["id"], token, **lost))  # as the first account's
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "accepted"
    second = by_twilio(callback, row["id"], token, MessageStatus="delivered", MessageSid=ours)
    post_receipt({**second, "path": second["path"].replace("/twilio?", "/twilio-backup?")})
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"


def test_of_two_messages_that_went_unanswered_the_loss_of_one_leaves_the_other_open(
    shop, callback, providers, send, wake, work, settings
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": (1.0,)}
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    providers.client.behave("twilio", "torn", address=PHONE)
    posted = send("sms", PHONE, priority="high")
    wake()
    work()
    row = delivery_of(shop, posted)
    assert (row["state"], len(row["attempts"])) == ("unknown", 2)
    post_receipt(by_twilio(callback, row["id"], token, MessageSid="SMa", MessageStatus="failed"))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "unknown"
    post_receipt(by_twilio(callback, row["id"], token, MessageSid="SMb", MessageStatus="delivered"))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"


@pytest.mark.parametrize("ending", ["refused", "cancelled", "redriven"])
def test_what_arrived_after_all_has_arrived_whatever_became_of_the_next_attempts(
    shop, callback, providers, send, wake, work, settings, ending
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": (1.0,)}
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    first = "500" if ending == "redriven" else "torn"
    providers.client.behave("twilio", first, address=PHONE, times=2 if ending == "redriven" else 1)
    posted = send("sms", PHONE, priority="high")
    name = delivery_of(shop, posted)["id"]
    if ending == "cancelled":
        shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    elif ending == "refused":
        providers.client.behave("twilio", "500", address=PHONE)
        wake()
        work()
    else:
        wake()
        work()
        assert delivery_of(shop, posted)["state"] == "dead"
        shop.post("dead-letters/redrive", {"ids": [name]}, status=200)
        providers.client.heal()
        providers.client.behave("twilio", "torn", address=PHONE, times=1)
        wake()
        work()
    # What went unanswered may have arrived, whatever came of it later.
    said = "retrying" if ending == "redriven" else "unknown"
    assert delivery_of(shop, posted)["state"] == said
    post_receipt(by_twilio(callback, name, token, MessageSid="SMfirst", MessageStatus="delivered"))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"
    assert shop.get("dead-letters")["data"] == []
    assert shop.counts(posted) == {"sms": {"delivered": 1}}
    calls = len(providers.client.messages(channel="sms", limit=100))
    wake()
    work()
    assert len(providers.client.messages(channel="sms", limit=100)) == calls


def test_a_receipt_that_is_played_again_brings_no_suppression_back(shop, callback, send, settings):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    text, mail = send("sms", PHONE), send("email", EMAIL)
    bounces = [
        by_twilio(
            callback,
            delivery_of(shop, text)["id"],
            token,
            MessageStatus="undelivered",
            ErrorCode="30005",
        ),
        by_sendgrid((delivery_of(shop, mail)["id"], "bounce")),
    ]
    for receipt in bounces:
        post_receipt(receipt)
    read_receipts()
    entries = shop.get("suppressions")["data"]
    assert {entry["reason"] for entry in entries} == {"hard_bounce"} and len(entries) == 2
    said = DirectoryChange.objects.filter(change="suppressed").order_by("actor")
    assert list(said.values_list("actor_kind", "actor", "detail")) == [
        ("provider", "sendgrid", "hard_bounce"),
        ("provider", "twilio", "hard_bounce"),
    ]
    suppressions.lift(Suppression.objects.all(), "they have new mailboxes")
    for receipt in bounces:
        post_receipt(receipt)
    read_receipts()
    assert shop.get("suppressions")["data"] == []
    assert events_of(delivery_of(shop, text)) == [("bounced", "hard_bounce")]
