"""A receipt counts only for the message, the address and the installation that it names."""

import pytest

from apps.core.delivery_ids import number_of
from apps.delivery.models import Delivery, ReceiptEvent
from apps.preferences.models import Suppression
from tests.support.deliveries.signed_receipts import (
    DEAD_NUMBER,
    EMAIL,
    PHONE,
    by_sendgrid,
    by_twilio,
    events_of,
    post_receipt,
    read_receipts,
    sendgrid_event,
    wait_for_receipts,
)
from tests.support.publishers.shop import delivery_of


def test_a_receipt_about_what_is_not_its_providers_says_nothing(shop, callback, send):
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    post_receipt(
        by_sendgrid((row["id"], "bounce"), ("dlv_999999999", "bounce"), ("their-own", "bounce"))
    )
    read_receipts()
    assert delivery_of(shop, posted) == row
    assert not ReceiptEvent.objects.exists()
    assert not Suppression.objects.exists()


def test_a_receipt_of_another_message_suppresses_nobody(shop, callback, send, settings, ignores):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted, other = send("sms", PHONE), send("sms", "+4366076543210")
    row, another = delivery_of(shop, posted), delivery_of(shop, other)
    sid = another["provider_message_id"]
    post_receipt(by_twilio(callback, row["id"], token, MessageSid=sid, **DEAD_NUMBER))
    read_receipts()
    assert delivery_of(shop, posted) == row
    ignores("twilio", "other_message")


def test_a_receipt_of_another_address_suppresses_nobody(shop, callback, send, settings, ignores):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    post_receipt(by_twilio(callback, row["id"], token, To="+4366076543210", **DEAD_NUMBER))
    read_receipts()
    assert delivery_of(shop, posted) == row
    ignores("twilio", "other_address")


def test_an_address_is_the_same_however_sendgrid_writes_its_case(shop, callback, send):
    posted = send("email", "Ada@example.com")
    name = delivery_of(shop, posted)["id"]
    post_receipt(by_sendgrid(sendgrid_event(name, "bounce", 1700000000, email="ada@EXAMPLE.com")))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "bounced"
    assert Suppression.objects.get().reason == "hard_bounce"


@pytest.mark.parametrize("carried_name", ["dlv_staging_{}", "their-own", ""])
def test_what_another_installation_or_program_sent_suppresses_nobody(
    shop, callback, send, ignores, carried_name
):
    posted = send("email", EMAIL)
    row = delivery_of(shop, posted)
    event = sendgrid_event(row["id"], "spamreport", 1700000000)
    event["delivery_id"] = carried_name.format(number_of(row["id"]))
    if not carried_name:
        del event["delivery_id"]
    post_receipt(by_sendgrid(event))
    read_receipts()
    assert delivery_of(shop, posted) == row
    ignores("sendgrid", "other_installation")


def test_two_installations_at_one_account_do_not_suppress_each_other(
    shop, outside, send, settings, ignores
):
    settings.INSTALLATION = "staging"
    posted = send("email", "bounce@sandbox.example")
    name = delivery_of(shop, posted)["id"]
    settings.INSTALLATION = "production"  # has deliveries of the same keys
    wait_for_receipts(1)
    read_receipts()
    row = delivery_of(shop, posted)
    assert name.replace("staging", "production") == row["id"]
    assert (row["state"], events_of(row)) == ("accepted", [])
    ignores("sendgrid", "other_installation", 2)


def test_what_no_call_of_ours_can_have_left_at_a_provider_says_nothing(
    shop, callback, providers, send, settings, ignores
):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    providers.client.behave("twilio", "500", address=PHONE, times=1)
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    assert row["state"] == "retrying"
    post_receipt(by_twilio(callback, row["id"], token, MessageStatus="delivered"))
    read_receipts()
    assert delivery_of(shop, posted) == row
    ignores("twilio", "other_message")


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_receipt_that_overtakes_our_record_suppresses_once_its_message_is_known(
    shop, callback, send, settings, is_ours
):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    delivery = Delivery.objects.filter(notification=posted["id"])
    delivery.update(state="sending", provider="", provider_message_id="")
    sid = row["provider_message_id"] if is_ours else "SMother"
    post_receipt(by_twilio(callback, row["id"], token, MessageSid=sid, **DEAD_NUMBER))
    read_receipts()
    read_receipts()
    assert not Suppression.objects.exists()
    delivery.update(
        state="accepted", provider="twilio", provider_message_id=row["provider_message_id"]
    )
    read_receipts()
    assert delivery_of(shop, posted)["state"] == ("bounced" if is_ours else "accepted")
    assert Suppression.objects.count() == is_ours
    assert ReceiptEvent.objects.count() == is_ours
    assert not ReceiptEvent.objects.filter(pending=True).exists()
    Suppression.objects.all().delete()
    read_receipts()
    assert not Suppression.objects.exists(), "it was suppressed once, and that was lifted"


@pytest.mark.parametrize(("sid", "state"), [(None, "bounced"), ("SMother", "accepted")])
def test_what_went_out_before_installations_were_named_is_known_by_its_message(
    shop, callback, send, settings, sid, state
):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted = send("sms", PHONE)
    bare = f"dlv_{number_of(delivery_of(shop, posted)['id'])}"
    fields = DEAD_NUMBER if sid is None else {**DEAD_NUMBER, "MessageSid": sid}
    post_receipt(by_twilio(callback, bare, token, **fields))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == state
