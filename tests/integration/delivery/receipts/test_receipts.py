"""Receipts: what providers report later moves deliveries, whatever its order, and nobody else can.

The sandbox's Twilio and SendGrid sign theirs and post them to a real server; what they never say
is signed here.
"""

import base64
import threading
import time
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import connection, transaction
from rest_framework.test import APIClient
from twilio.request_validator import RequestValidator

from apps.core.delivery_ids import number_of
from apps.delivery import sealed_content, tasks
from apps.delivery.maintenance import retention
from apps.delivery.models import DeadLetter, Delivery, Notification, Receipt, ReceiptEvent
from apps.delivery.monitoring import metrics
from apps.delivery.receipts import processing
from apps.preferences import vault
from apps.preferences.consent import suppressions
from apps.preferences.models import Contact, DirectoryChange, Suppression
from stack.supervision.process import PATIENCE
from tests.integration.api.conftest import forget_lookups
from tests.integration.delivery.conftest import recipient

HELLO = {"title": "Hello", "body": "There"}
PHONE, EMAIL = "+4366012345678", "ada@example.com"
KEY = ec.generate_private_key(ec.SECP256R1())
PROVIDERS = APIClient(enforce_csrf_checks=True)  # they have no key and no cookie


@pytest.fixture
def callback(providers, settings):
    """Settings under which receipts are taken; the URL that Twilio is given."""
    url = "https://notify.example.com/v1/receipts/twilio"
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    _take(settings, url, token, _public(KEY))
    return url


@pytest.fixture
def outside(providers, settings, live_server):
    """The sandbox, whose providers report to this service."""
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    key = providers.config["sendgrid"]["webhook_public_key"]
    _take(settings, f"{live_server.url}/v1/receipts/twilio", token, key)
    providers.client.send_receipts(live_server.url)
    yield providers
    providers.client.send_receipts(None)


def _take(settings, callback, token, key):
    settings.PROVIDERS["twilio"]["options"]["status_callback"] = callback
    settings.PROVIDERS["twilio"]["receipts"] = {
        "class": "notifier.receipts.twilio.TwilioReceipts",
        "options": {"auth_token": token, "callback": callback},
    }
    settings.PROVIDERS["sendgrid"]["receipts"] = {
        "class": "notifier.receipts.sendgrid.SendGridReceipts",
        "options": {"public_key": key},
    }


def _public(key):
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@pytest.fixture
def send(shop, work):
    """Post to one person on one channel and deliver it."""

    def run(channel, address, **fields):
        name = f"{channel}-{next(shop.names)}"
        person = recipient(name, **{channel: address})
        body = {"user_id": person.user_id, "content": HELLO, "channels": [channel], **fields}
        posted = shop.post("notifications", body)
        work()
        return posted

    return run


def delivery_of(shop, posted):
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    return row


def came(number):
    """Wait until so many receipts were stored."""
    deadline = time.monotonic() + PATIENCE
    while Receipt.objects.count() < number:
        assert time.monotonic() < deadline, f"only {Receipt.objects.count()} receipts came"
        time.sleep(0.02)


def read():
    tasks.receipts.apply(throw=True)


def register(shop, body):
    answer = shop.http.put("/v1/recipients/ada", body, format="json")
    assert answer.status_code in (200, 201), answer.json()


def told(row):
    return [(one["event"], one["reason"]) for one in row["receipts"]]


def carried(name):
    """A delivery's message, by the provider's id and by where it went."""
    number = number_of(name)
    row = Delivery.objects.filter(pk=number).first() if number else None
    if row is None:
        return "SM1", PHONE
    contact = Contact.objects.get(pk=row.contact_id)
    address = vault.open(bytes(contact.address), bytes(contact.address_index))
    return row.provider_message_id or "SM1", address


def by_twilio(callback, delivery, token, **fields):
    """A signed status callback, as keywords of a post; of the delivery's own message."""
    query = f"delivery_id={delivery}"
    sid, address = carried(delivery)
    form = {"MessageSid": sid, "To": address, **fields}
    signature = RequestValidator(token).compute_signature(f"{callback}?{query}", form)
    return {
        "path": f"/v1/receipts/twilio?{query}",
        "data": urlencode(form),
        "content_type": "application/x-www-form-urlencoded",
        "headers": {"X-Twilio-Signature": signature},
    }


def by_sendgrid(*events, key=KEY, body=None):
    """A signed batch of events: ``(delivery, event)``, of its own message, or whole ones."""
    now = str(int(time.time()))
    full = [e if isinstance(e, dict) else sendgrid_event(*e, int(now)) for e in events]
    body = orjson.dumps(full) if body is None else body
    signature = key.sign(now.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "path": "/v1/receipts/sendgrid",
        "data": body,
        "content_type": "application/json",
        "headers": {
            "X-Twilio-Email-Event-Webhook-Timestamp": now,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        },
    }


def sendgrid_event(delivery, event, now, **fields):
    message, address = carried(delivery)
    told = {"delivery_id": delivery, "event": event, "timestamp": now, "email": address}
    return {**told, "sg_message_id": f"{message}.recvd-1.2-3", **fields}


def post(receipt, status=204):
    answer = PROVIDERS.post(**receipt)
    assert answer.status_code == status, answer.content
    return answer


# -- From the sandbox -------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "address", "number"), [("sms", PHONE, 2), ("email", EMAIL, 1)])
def test_a_signed_receipt_says_that_a_message_arrived(
    shop, outside, send, channel, address, number
):
    posted = send(channel, address)
    assert shop.counts(posted) == {channel: {"accepted": 1}}
    came(number)
    for row in Receipt.objects.all():
        assert address.encode() not in bytes(row.body) and b"dlv_" not in bytes(row.body)
    read()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"], told(row)) == ("delivered", "", [("delivered", "")])
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
    came(number)
    read()
    row = delivery_of(shop, posted)
    assert row["state"] == state
    assert (event, reason) in told(row)
    [entry] = shop.get("suppressions", channel=channel, address=address)["data"]
    assert entry["reason"] == reason
    again = send(channel, address)
    row = delivery_of(shop, again)
    assert (row["state"], row["reason"]) == ("suppressed", reason)


def test_a_message_that_was_refused_does_not_speak_against_its_address(shop, outside, send):
    posted = send("email", "blocked@sandbox.example")
    came(1)
    read()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("bounced", "blocked")
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("word", ["twice", "reversed"])
def test_receipts_lead_to_the_same_end_however_they_come(shop, outside, send, word):
    posted = send("email", f"{word}@sandbox.example")
    came(2 if word == "twice" else 1)
    read()
    row = delivery_of(shop, posted)
    assert (row["state"], told(row)) == ("delivered", [("delivered", "")])
    assert shop.counts(posted) == {"email": {"delivered": 1}}


def test_a_forged_receipt_is_refused_and_leaves_no_trace(shop, outside, send, live_server):
    posted = send("email", "forged@sandbox.example")
    after = send("email", EMAIL)
    came(1)  # of the second one; the sandbox posts in order
    read()
    row = delivery_of(shop, posted)
    assert (row["state"], told(row)) == ("accepted", [])
    assert delivery_of(shop, after)["state"] == "delivered"
    assert Receipt.objects.count() == 1


def test_a_receipt_that_overtakes_our_own_record_is_kept_until_that_is_written(shop, outside, work):
    recipient("ada", email="early_1@sandbox.example")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["email"]})
    sending = threading.Thread(target=work)
    sending.start()
    try:
        came(1)
        read()
        row = delivery_of(shop, posted)
        assert (row["state"], ("delivered", "") in told(row)) == ("sending", True)
        assert sending.is_alive(), "it was not early enough"
    finally:
        sending.join()
    assert delivery_of(shop, posted)["state"] == "accepted"
    read()
    assert delivery_of(shop, posted)["state"] == "delivered"
    assert not ReceiptEvent.objects.filter(pending=True).exists()
    assert shop.counts(posted) == {"email": {"delivered": 1}}


def test_a_receipt_tells_what_became_of_a_call_whose_answer_cannot_be_read(shop, outside, send):
    posted = send("sms", "+15005550601")
    came(2)
    assert delivery_of(shop, posted)["state"] == "unknown"
    read()
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
    post(by_twilio(callback, row["id"], options["auth_token"], MessageStatus=status))
    read()
    assert delivery_of(shop, posted)["state"] == state
    assert shop.counts(posted) == {"sms": {state: 1}}


def test_what_arrived_is_not_sent_again_though_its_call_went_unanswered(
    shop, outside, send, wake, work
):
    outside.client.behave("twilio", "torn", address=PHONE, times=1)
    posted = send("sms", PHONE, priority="high")
    came(2)
    assert delivery_of(shop, posted)["state"] == "retrying"
    read()
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
    came(2)
    outside.client.heal()
    outside.client.behave("twilio", word)
    wake()
    work()
    row = delivery_of(shop, posted)
    assert [attempt["outcome"] for attempt in row["attempts"]] == ["unknown", "refused"]
    assert row["state"] == "unknown"
    assert row["reason"] == row["attempts"][1]["reason"]
    assert not DeadLetter.objects.exists()
    read()
    assert delivery_of(shop, posted)["state"] == "delivered"
    assert shop.counts(posted) == {"sms": {"delivered": 1}}


def test_what_was_kept_spares_a_delivery_its_next_attempt(shop, callback, send):
    posted = send("email", EMAIL)
    delivery = Delivery.objects.filter(notification=posted["id"])
    delivery.update(state="sending")  # a second attempt, after a first that went unanswered
    name = delivery_of(shop, posted)["id"]
    post(by_sendgrid((name, "deferred"), (name, "delivered")))
    read()
    assert delivery_of(shop, posted)["state"] == "sending"
    delivery.update(state="retrying", next_attempt_at="2099-01-01T00:00:00Z")
    read()
    row = delivery_of(shop, posted)
    assert (row["state"], row["next_attempt_at"]) == ("delivered", None)
    read()
    assert not ReceiptEvent.objects.filter(pending=True).exists()


# -- Who may say so ---------------------------------------------------------------------------


def test_nobody_else_can_say_what_became_of_a_message(shop, callback, send, settings):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    good = by_twilio(callback, row["id"], token, MessageStatus="delivered")
    others = by_twilio(callback, row["id"], "another's token", MessageStatus="delivered")
    batch = by_sendgrid((row["id"], "delivered"))
    stranger = by_sendgrid((row["id"], "delivered"), key=ec.generate_private_key(ec.SECP256R1()))
    for forged in (
        others,
        stranger,
        {**good, "headers": {}},
        {**good, "data": good["data"].replace("delivered", "undelivered")},
        {**good, "path": "/v1/receipts/twilio?delivery_id=dlv_1"},
        {**good, "path": "/v1/receipts/twilio"},
        {**batch, "headers": {}},
        {**batch, "data": b"[]"},
        {**batch, "path": "/v1/receipts/twilio"},
    ):
        answer = post(forged, 403)
        assert answer["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/invalid-signature"
    assert not Receipt.objects.exists()
    read()
    assert delivery_of(shop, posted) == row
    post(good)
    read()
    assert delivery_of(shop, posted)["state"] == "delivered"
    scraped = APIClient().get("/metrics").content.decode()
    for outcome in ("refused", "taken"):
        assert f'notifier_receipts_total{{outcome="{outcome}",provider="twilio"}}' in scraped


def test_receipts_are_taken_only_where_a_key_is_set_and_in_bounds(callback, settings, db):
    del settings.PROVIDERS["sendgrid"]["receipts"]
    for provider in ("sendgrid", "fcm", "nobody", "%00", "x" * 300):
        post({**by_sendgrid(), "path": f"/v1/receipts/{provider}"}, 404)
    large = {**by_sendgrid(), "path": "/v1/receipts/twilio", "data": b"a" * (2 * 1024 * 1024 + 1)}
    post(large, 413)
    assert APIClient().get("/v1/receipts/twilio").status_code == 405
    assert not Receipt.objects.exists()


def test_a_receipt_about_what_is_not_its_providers_says_nothing(shop, callback, send):
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    post(by_sendgrid((row["id"], "bounce"), ("dlv_999999999", "bounce"), ("their-own", "bounce")))
    read()
    assert delivery_of(shop, posted) == row
    assert not ReceiptEvent.objects.exists()
    assert not Suppression.objects.exists()


def ignored():
    """How many events were none of ours, by provider and why."""
    return {
        (sample.labels["provider"], sample.labels["why"]): sample.value
        for metric in metrics.RECEIPT_EVENTS_IGNORED.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


@pytest.fixture
def ignores():
    """Check that one event more is ignored for this reason, and that it changed nothing."""
    before = ignored()

    def check(provider, why, number=1):
        grown = {key: count - before.get(key, 0) for key, count in ignored().items()}
        assert {key: count for key, count in grown.items() if count} == {(provider, why): number}
        assert not Suppression.objects.exists()
        assert not ReceiptEvent.objects.exists()

    return check


DEAD_NUMBER = {"MessageStatus": "failed", "ErrorCode": "30005"}


def test_a_receipt_of_another_message_suppresses_nobody(shop, callback, send, settings, ignores):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted, other = send("sms", PHONE), send("sms", "+4366076543210")
    row, another = delivery_of(shop, posted), delivery_of(shop, other)
    sid = another["provider_message_id"]
    post(by_twilio(callback, row["id"], token, MessageSid=sid, **DEAD_NUMBER))
    read()
    assert delivery_of(shop, posted) == row
    ignores("twilio", "other_message")


def test_a_receipt_of_another_address_suppresses_nobody(shop, callback, send, settings, ignores):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    post(by_twilio(callback, row["id"], token, To="+4366076543210", **DEAD_NUMBER))
    read()
    assert delivery_of(shop, posted) == row
    ignores("twilio", "other_address")


def test_an_address_is_the_same_however_sendgrid_writes_its_case(shop, callback, send):
    posted = send("email", "Ada@example.com")
    name = delivery_of(shop, posted)["id"]
    post(by_sendgrid(sendgrid_event(name, "bounce", 1700000000, email="ada@EXAMPLE.com")))
    read()
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
    post(by_sendgrid(event))
    read()
    assert delivery_of(shop, posted) == row
    ignores("sendgrid", "other_installation")


def test_two_installations_at_one_account_do_not_suppress_each_other(
    shop, outside, send, settings, ignores
):
    settings.INSTALLATION = "staging"
    posted = send("email", "bounce@sandbox.example")
    name = delivery_of(shop, posted)["id"]
    settings.INSTALLATION = "production"  # has deliveries of the same keys
    came(1)
    read()
    row = delivery_of(shop, posted)
    assert name.replace("staging", "production") == row["id"]
    assert (row["state"], told(row)) == ("accepted", [])
    ignores("sendgrid", "other_installation", 2)


def test_what_no_call_of_ours_can_have_left_at_a_provider_says_nothing(
    shop, callback, providers, send, settings, ignores
):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    providers.client.behave("twilio", "500", address=PHONE, times=1)
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    assert row["state"] == "retrying"
    post(by_twilio(callback, row["id"], token, MessageStatus="delivered"))
    read()
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
    post(by_twilio(callback, row["id"], token, MessageSid=sid, **DEAD_NUMBER))
    read()
    read()
    assert not Suppression.objects.exists()
    delivery.update(
        state="accepted", provider="twilio", provider_message_id=row["provider_message_id"]
    )
    read()
    assert delivery_of(shop, posted)["state"] == ("bounced" if is_ours else "accepted")
    assert Suppression.objects.count() == is_ours
    assert ReceiptEvent.objects.count() == is_ours
    assert not ReceiptEvent.objects.filter(pending=True).exists()
    Suppression.objects.all().delete()
    read()
    assert not Suppression.objects.exists(), "it was suppressed once, and that was lifted"


@pytest.mark.parametrize(("sid", "state"), [(None, "bounced"), ("SMother", "accepted")])
def test_what_went_out_before_installations_were_named_is_known_by_its_message(
    shop, callback, send, settings, sid, state
):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted = send("sms", PHONE)
    bare = f"dlv_{number_of(delivery_of(shop, posted)['id'])}"
    fields = DEAD_NUMBER if sid is None else {**DEAD_NUMBER, "MessageSid": sid}
    post(by_twilio(callback, bare, token, **fields))
    read()
    assert delivery_of(shop, posted)["state"] == state


def test_a_status_webhook_is_told_what_a_receipt_says(shop, callback, send):
    forget_lookups()
    told_of = {"url": "https://shop.example.com/hooks", "events": ["bounced"]}
    shop.post("status-webhooks", told_of, status=201)
    posted = send("email", EMAIL)
    post(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    read()
    post(by_sendgrid((delivery_of(shop, posted)["id"], "bounce")))
    read()
    [telling] = Notification.objects.filter(kind="status")
    said = sealed_content.unseal(telling.pk, telling.content)
    assert said.event_type == "delivery.bounced"
    [one] = said.data["deliveries"]
    assert (one["state"], one["reason"]) == ("bounced", "hard_bounce")
    assert shop.counts(posted) == {"email": {"bounced": 1}}
    forget_lookups()


# -- Late, again, and odd ---------------------------------------------------------------------


def test_a_bounce_is_the_last_word_whenever_it_comes(shop, callback, send):
    first, second = send("email", EMAIL), send("email", "bob@example.com")
    one, two = delivery_of(shop, first)["id"], delivery_of(shop, second)["id"]
    for batch in (
        [(one, "delivered"), (two, "bounce")],
        [(one, "bounce"), (two, "delivered")],
        [(one, "delivered"), (two, "deferred")],
    ):
        post(by_sendgrid(*batch))
        read()
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
    post(by_twilio(callback, early, token, MessageSid="SMfirst", **lost))
    read()
    wake()
    work()
    read()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("accepted", "")
    post(by_twilio(callback, row["id"], token, MessageSid="SMfirst", **lost))
    read()
    assert delivery_of(shop, posted)["state"] == "accepted"
    ours = row["provider_message_id"]
    post(by_twilio(callback, row["id"], token, MessageSid=ours, **lost))
    read()
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
    post(by_twilio(callback, row["id"], token, **lost))  # as the first account's
    read()
    assert delivery_of(shop, posted)["state"] == "accepted"
    second = by_twilio(callback, row["id"], token, MessageStatus="delivered", MessageSid=ours)
    post({**second, "path": second["path"].replace("/twilio?", "/twilio-backup?")})
    read()
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
    post(by_twilio(callback, row["id"], token, MessageSid="SMa", MessageStatus="failed"))
    read()
    assert delivery_of(shop, posted)["state"] == "unknown"
    post(by_twilio(callback, row["id"], token, MessageSid="SMb", MessageStatus="delivered"))
    read()
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
    post(by_twilio(callback, name, token, MessageSid="SMfirst", MessageStatus="delivered"))
    read()
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
        post(receipt)
    read()
    entries = shop.get("suppressions")["data"]
    assert {entry["reason"] for entry in entries} == {"hard_bounce"} and len(entries) == 2
    said = DirectoryChange.objects.filter(change="suppressed").order_by("actor")
    assert list(said.values_list("actor_kind", "actor", "detail")) == [
        ("provider", "sendgrid", "hard_bounce"),
        ("provider", "twilio", "hard_bounce"),
    ]
    suppressions.lift(Suppression.objects.all(), "they have new mailboxes")
    for receipt in bounces:
        post(receipt)
    read()
    assert shop.get("suppressions")["data"] == []
    assert told(delivery_of(shop, text)) == [("bounced", "hard_bounce")]


def test_a_receipt_that_cannot_be_read_stops_no_other(shop, callback, send, caplog):
    posted = send("email", EMAIL)
    post(by_sendgrid(body=b'{"not": "a list"}'))
    post(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    read()
    assert delivery_of(shop, posted)["state"] == "delivered"
    assert "cannot be read" in caplog.text
    assert not Receipt.objects.filter(read_at=None).exists()


def test_one_reads_and_the_others_leave_it_to_them(shop, callback, send):
    posted = send("email", EMAIL)
    post(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    held, done = threading.Event(), threading.Event()

    def another() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", processing.LOCK)
            held.set()
            done.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=another)
    thread.start()
    try:
        assert held.wait(PATIENCE)
        assert processing.read() == 0
    finally:
        done.set()
        thread.join()
    assert processing.read() == 1
    assert delivery_of(shop, posted)["state"] == "delivered"


def test_a_flood_is_read_in_batches(shop, callback, send, monkeypatch):
    monkeypatch.setattr(processing, "AT_ONCE", 4)
    monkeypatch.setattr(processing, "EVENTS_AT_ONCE", 2)
    posted = send("email", EMAIL)
    name = delivery_of(shop, posted)["id"]
    for event in ("processed", "deferred", "delivered", "open", "click", "spamreport", "open"):
        post(by_sendgrid((name, event)))
    assert processing.read() == 7
    row = delivery_of(shop, posted)
    assert row["state"] == "delivered"
    assert [event for event, _ in told(row)] == ["deferred", "delivered", "complained"]


def test_a_delivery_that_a_worker_is_writing_is_not_waited_for(shop, callback, send):
    posted = send("email", EMAIL)
    row = delivery_of(shop, posted)
    post(by_sendgrid((row["id"], "bounce")))
    held, done = threading.Event(), threading.Event()

    def worker() -> None:
        with transaction.atomic():
            list(Delivery.objects.select_for_update().all())
            held.set()
            done.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        assert held.wait(PATIENCE)
        read()
        assert delivery_of(shop, posted)["state"] == "accepted"
        assert Suppression.objects.get().reason == "hard_bounce"
    finally:
        done.set()
        thread.join()
    read()
    assert delivery_of(shop, posted)["state"] == "bounced"


def test_what_was_read_is_dropped_after_a_day(callback, db):
    post(by_sendgrid())
    read()
    Receipt.objects.update(received_at="2020-01-01T00:00:00Z")
    post(by_sendgrid())
    retention.purge()
    assert Receipt.objects.count() == 1, "the one that is not read is kept"


# -- Addresses that turn out dead as something is sent ----------------------------------------


def test_a_dead_token_is_suppressed_until_it_is_registered_again(shop, providers, work):
    token = "one-of-hers-sandbox-deadx1-1234"
    device = {"platform": "android", "token": token}
    body = {"devices": [device]}
    register(shop, body)
    message = {"user_id": "ada", "content": HELLO, "channels": ["push"]}
    first = shop.post("notifications", message)
    work()
    assert shop.counts(first) == {"push": {"failed": 1}}
    [entry] = shop.get("suppressions", channel="push", reason="dead_address")["data"]
    assert token not in entry["address"]
    register(shop, body)
    assert shop.get("suppressions")["data"] == []
    second = shop.post("notifications", message)
    work()
    assert shop.counts(second) == {"push": {"accepted": 1}}


def test_who_told_the_provider_to_stop_is_not_sent_to_for_being_registered_again(
    shop, providers, work
):
    number = "+15005551410"  # dead: Twilio says that they answered STOP
    body = {"contacts": [{"channel": "sms", "address": number}]}
    register(shop, body)
    message = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    first = shop.post("notifications", message)
    work()
    assert delivery_of(shop, first)["reason"] == "opted_out"
    register(shop, body)
    second = shop.post("notifications", message)
    work()
    row = delivery_of(shop, second)
    assert (row["state"], row["reason"]) == ("suppressed", "opted_out")


def test_an_endpoint_that_is_gone_is_disabled_and_its_url_is_not_suppressed(
    shop, providers, settings, work
):
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
        },
    }
    url = f"{providers.config['webhook']['base_url']}/gone?behave=dead"
    register(shop, {"contacts": [{"channel": "webhook", "address": url}]})
    posted = shop.post(
        "notifications", {"user_id": "ada", "content": HELLO, "channels": ["webhook"]}
    )
    work()
    assert delivery_of(shop, posted)["reason"] == "dead_address"
    assert not Suppression.objects.exists()
