"""Receipts that the sandbox's Twilio and SendGrid sign and post, and what they do to a delivery."""

import threading

import pytest

from apps.delivery.models import DeadLetter, Delivery, Receipt, ReceiptEvent
from apps.preferences.models import Suppression
from tests.support.deliveries.signed_receipts import (
    EMAIL,
    HELLO,
    PHONE,
    by_sendgrid,
    by_twilio,
    events_of,
    post_receipt,
    read_receipts,
    wait_for_receipts,
)
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import delivery_of


@pytest.mark.parametrize(("channel", "address", "number"), [("sms", PHONE, 2), ("email", EMAIL, 1)])
def test_a_signed_receipt_says_that_a_message_arrived(
    shop, outside, send, channel, address, number
):
    posted = send(channel, address)
    assert shop.counts(posted) == {channel: {"accepted": 1}}
    wait_for_receipts(number)
    for row in Receipt.objects.all():
        assert address.encode() not in bytes(row.body) and b"dlv_" not in bytes(row.body)
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"], events_of(row)) == ("delivered", "", [("delivered", "")])
    assert shop.counts(posted) == {channel: {"delivered": 1}}
    assert not Receipt.objects.filter(read_at=None).exists()
    assert {bytes(row.body) for row in Receipt.objects.all()} == {b""}, "no address is kept"


@pytest.mark.parametrize(
    ("channel", "address", "number", "state", "event", "reason"),
    [
        ("email", "bounce@sandbox.example", 1, "bounced", "bounced", "hard_bounce"),
        ("email", "complaint@sandbox.example", 1, "delivered", "complained", "complaint"),
        ("email", "unsubscribe@sandbox.example", 1, "delivered", "unsubscribed", "opted_out"),
        ("sms", "+15005550701", 2, "bounced", "bounced", "hard_bounce"),
        ("sms", "+15005550704", 2, "bounced", "failed", "opted_out"),
    ],
)
def test_what_speaks_against_an_address_suppresses_it(
    shop, outside, send, work, channel, address, number, state, event, reason
):
    posted = send(channel, address)
    wait_for_receipts(number)
    read_receipts()
    row = delivery_of(shop, posted)
    assert row["state"] == state
    assert (event, reason) in events_of(row)
    [entry] = shop.get("suppressions", channel=channel, address=address)["data"]
    assert entry["reason"] == reason
    again = send(channel, address)
    row = delivery_of(shop, again)
    assert (row["state"], row["reason"]) == ("suppressed", reason)


def test_a_message_that_was_refused_does_not_speak_against_its_address(shop, outside, send):
    posted = send("email", "blocked@sandbox.example")
    wait_for_receipts(1)
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("bounced", "blocked")
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("word", ["twice", "reversed"])
def test_receipts_lead_to_the_same_end_however_they_come(shop, outside, send, word):
    posted = send("email", f"{word}@sandbox.example")
    wait_for_receipts(2 if word == "twice" else 1)
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], events_of(row)) == ("delivered", [("delivered", "")])
    assert shop.counts(posted) == {"email": {"delivered": 1}}


def test_a_forged_receipt_is_refused_and_leaves_no_trace(shop, outside, send, live_server):
    posted = send("email", "forged@sandbox.example")
    after = send("email", EMAIL)
    wait_for_receipts(1)  # of the second one; the sandbox posts in order
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], events_of(row)) == ("accepted", [])
    assert delivery_of(shop, after)["state"] == "delivered"
    assert Receipt.objects.count() == 1


def test_a_receipt_that_overtakes_our_own_record_is_kept_until_that_is_written(shop, outside, work):
    recipient("ada", email="early_1@sandbox.example")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["email"]})
    sending = threading.Thread(target=work)
    sending.start()
    try:
        wait_for_receipts(1)
        read_receipts()
        row = delivery_of(shop, posted)
        assert (row["state"], ("delivered", "") in events_of(row)) == ("sending", True)
        assert sending.is_alive(), "it was not early enough"
    finally:
        sending.join()
    assert delivery_of(shop, posted)["state"] == "accepted"
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"
    assert not ReceiptEvent.objects.filter(pending=True).exists()
    assert shop.counts(posted) == {"email": {"delivered": 1}}


def test_a_receipt_resolves_a_call_whose_answer_cannot_be_read(shop, outside, send):
    posted = send("sms", "+15005550601")
    wait_for_receipts(2)
    assert delivery_of(shop, posted)["state"] == "unknown"
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("delivered", "")


@pytest.mark.parametrize(("status", "state"), [("delivered", "delivered"), ("failed", "bounced")])
def test_a_timeout_is_unknown_until_its_receipt_says_what_became_of_it(
    shop, callback, send, settings, status, state
):
    options = settings.PROVIDERS["twilio"]["options"]
    options["timeout"] = 0.3
    posted = send("sms", "+15005550408")
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("unknown", "timeout")
    post_receipt(by_twilio(callback, row["id"], options["auth_token"], MessageStatus=status))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == state
    assert shop.counts(posted) == {"sms": {state: 1}}


def test_what_arrived_is_not_sent_again_though_its_call_went_unanswered(
    shop, outside, send, wake, work
):
    outside.client.behave("twilio", "torn", address=PHONE, times=1)
    posted = send("sms", PHONE, priority="high")
    wait_for_receipts(2)
    assert delivery_of(shop, posted)["state"] == "retrying"
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"
    wake()
    work()
    assert len(outside.client.messages(channel="sms")) == 1
    assert shop.counts(posted) == {"sms": {"delivered": 1}}


@pytest.mark.parametrize("word", ["dead", "401"])
def test_what_went_unanswered_and_is_refused_later_is_unknown_until_its_receipt_comes(
    shop, outside, send, wake, work, word
):
    outside.client.behave("twilio", "torn", address=PHONE, times=1)
    posted = send("sms", PHONE, priority="high")
    wait_for_receipts(2)
    outside.client.heal()
    outside.client.behave("twilio", word)
    wake()
    work()
    row = delivery_of(shop, posted)
    assert [attempt["outcome"] for attempt in row["attempts"]] == ["unknown", "refused"]
    assert row["state"] == "unknown"
    assert row["reason"] == row["attempts"][1]["reason"]
    assert not DeadLetter.objects.exists()
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"
    assert shop.counts(posted) == {"sms": {"delivered": 1}}


def test_what_was_kept_spares_a_delivery_its_next_attempt(shop, callback, send):
    posted = send("email", EMAIL)
    delivery = Delivery.objects.filter(notification=posted["id"])
    delivery.update(state="sending")  # a second attempt, after a first that went unanswered
    name = delivery_of(shop, posted)["id"]
    post_receipt(by_sendgrid((name, "deferred"), (name, "delivered")))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "sending"
    delivery.update(state="retrying", next_attempt_at="2099-01-01T00:00:00Z")
    read_receipts()
    row = delivery_of(shop, posted)
    assert (row["state"], row["next_attempt_at"]) == ("delivered", None)
    read_receipts()
    assert not ReceiptEvent.objects.filter(pending=True).exists()
