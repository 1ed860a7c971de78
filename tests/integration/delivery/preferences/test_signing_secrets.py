"""Rotation of a webhook's secret: for a day messages are signed with both.

The receiver is the sandbox's, which verifies with the reference implementation of Standard
Webhooks and answers a wrong signature with 401.
"""

import time
from datetime import datetime, timedelta

import orjson
import pytest
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from apps.delivery.models import Notification
from apps.preferences import vault
from apps.preferences.models import Contact
from tests.support.publishers.lookups import forget_lookups
from tests.support.publishers.people import recipient

OLD, NEW, NEWER = ("whsec_" + 40 * letter for letter in "ABC")
HELLO = {"title": "Hello", "body": "There"}


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    forget_lookups()
    yield
    forget_lookups()


@pytest.fixture
def receiver(providers, settings):
    """A receiver at the sandbox."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
        },
    }
    return providers


def url_of(receiver, query=""):
    return f"{receiver.config['webhook']['base_url']}/hook{query}"


def given(answer):
    assert answer.status_code in (200, 201), answer.json()
    return answer.json()


def by_contact(shop, url, secret):
    contact = {"channel": "webhook", "address": url, "secret": secret}
    return given(shop.http.post("/v1/recipients/ada/contacts", contact, format="json"))


def by_recipient(shop, url, secret):
    contact = {"channel": "webhook", "address": url, "secret": secret}
    body = {"contacts": [contact]}
    made = given(shop.http.put("/v1/recipients/ada", body, format="json"))
    return next(one for one in made["contacts"] if one["channel"] == "webhook")


def by_subscription(shop, url, secret):
    requested = {"channel": "webhook", "address": url, "secret": secret}
    given(shop.http.post("/v1/topics/news/subscriptions", requested, format="json"))


def by_status_webhook(shop, url, secret):
    wanted = {"url": url, "events": ["delivered"], "secret": secret}
    return given(shop.http.post("/v1/status-webhooks", wanted, format="json"))


def signed(receiver):
    """The secrets with which the reference implementation takes the newest message."""
    message = receiver.client.messages(channel="webhook")[0]
    taken = set()
    for secret in (OLD, NEW, NEWER):
        try:
            Webhook(secret).verify(orjson.dumps(message["content"]), message["headers"])
        except WebhookVerificationError:
            continue
        taken.add(secret)
    return taken


def notify(shop, channel="webhook"):
    shop.post("notifications", {"user_id": "ada", "channels": [channel], "content": HELLO})


@pytest.mark.parametrize("give", [by_contact, by_recipient, by_subscription, by_status_webhook])
def test_for_a_day_both_secrets_sign(shop, receiver, work, give):
    recipient("ada")
    shop.topic("news")
    url = url_of(receiver)
    give(shop, url, OLD)
    made = give(shop, url, NEW)
    if made is not None:
        until = datetime.fromisoformat(made["former_secret_until"])
        assert timedelta(hours=23, minutes=59) < until - timezone.now() <= timedelta(days=1)
    if give is by_subscription:
        shop.post("topics/news/publish", {"content": HELLO})
    else:
        notify(shop, "inbox" if give is by_status_webhook else "webhook")
    work()
    assert signed(receiver) == {OLD, NEW}


def test_a_receiver_that_knows_either_secret_takes_it(shop, receiver, work):
    recipient("ada")
    by_contact(shop, url_of(receiver), OLD)
    by_contact(shop, url_of(receiver), NEW)
    for known in (OLD, NEW):
        receiver.client.register_webhook("hook", known)
        notify(shop)
        work()
        assert receiver.client.messages(channel="webhook")[0]["status"] == 204


def test_after_a_day_the_new_secret_alone_signs(shop, receiver, work):
    recipient("ada")
    by_contact(shop, url_of(receiver), OLD)
    by_contact(shop, url_of(receiver), NEW)
    Contact.objects.filter(channel="webhook").update(former_secrets_until=[timezone.now()])
    notify(shop)
    work()
    assert signed(receiver) == {NEW}
    [row] = [one for one in shop.get("recipients/ada/contacts") if one["channel"] == "webhook"]
    assert row["former_secret_until"] is None


def test_a_secret_signs_for_a_day_however_often_it_is_exchanged_meanwhile(shop, receiver, work):
    recipient("ada")
    for secret in (OLD, NEW, NEWER):
        by_contact(shop, url_of(receiver), secret)
    notify(shop)
    work()
    assert signed(receiver) == {OLD, NEW, NEWER}


def test_a_secret_that_is_given_again_exchanges_nothing(shop, receiver, work):
    recipient("ada")
    for secret in (OLD, NEW, NEW, NEW):
        made = by_contact(shop, url_of(receiver), secret)
    assert made["former_secret_until"] is not None
    notify(shop)
    work()
    assert signed(receiver) == {OLD, NEW}


def test_a_secret_that_comes_back_signs_once(shop, receiver, work):
    recipient("ada")
    for secret in (OLD, NEW, OLD):
        by_contact(shop, url_of(receiver), secret)
    notify(shop)
    work()
    message = receiver.client.messages(channel="webhook")[0]
    assert signed(receiver) == {OLD, NEW}
    assert len(message["headers"]["webhook-signature"].split(" ")) == 2


def test_a_few_secrets_sign_at_once_and_no_more(shop, receiver, work):
    recipient("ada")
    for number in range(8):
        by_contact(shop, url_of(receiver), f"whsec_{number:04d}" + 36 * "A")
    notify(shop)
    work()
    message = receiver.client.messages(channel="webhook")[0]
    assert len(message["headers"]["webhook-signature"].split(" ")) == 5


def test_one_persons_exchange_is_no_other_persons(shop, receiver, work):
    url = url_of(receiver)
    for name in ("ada", "bob"):
        recipient(name)
        contact = {"channel": "webhook", "address": url, "secret": OLD}
        given(shop.http.post(f"/v1/recipients/{name}/contacts", contact, format="json"))
    by_contact(shop, url, NEW)
    bobs = shop.get("recipients/bob/contacts")
    assert [one["former_secret_until"] for one in bobs if one["channel"] == "webhook"] == [None]


def test_earlier_secrets_are_encrypted_at_rest(shop, receiver, work):
    recipient("ada")
    by_contact(shop, url_of(receiver), OLD)
    by_contact(shop, url_of(receiver), NEW)
    row = Contact.objects.get(channel="webhook")
    assert [OLD.encode() in bytes(one) for one in row.former_secrets] == [False]


def test_the_bodys_timestamp_is_the_notifications_on_every_attempt(
    shop, receiver, work, wake, settings
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "webhook": (1.0, 1.0)}
    recipient("ada")
    by_contact(shop, url_of(receiver, "?behave=500x1"), OLD)
    posted = shop.post(
        "notifications", {"user_id": "ada", "channels": ["webhook"], "content": HELLO}
    )
    work()
    Notification.objects.filter(pk=posted["id"]).update(created_at="2026-03-01T12:00:00.5Z")
    time.sleep(1.1)
    wake()
    work()
    again, first = receiver.client.messages(channel="webhook")
    assert first["status"] == 500
    assert again["headers"]["webhook-id"] == first["headers"]["webhook-id"]
    stamps = [int(one["headers"]["webhook-timestamp"]) for one in (first, again)]
    assert stamps[0] < stamps[1]
    assert again["content"]["timestamp"] == "2026-03-01T12:00:00.500Z"
    row = shop.get(f"notifications/{posted['id']}")
    assert again["content"]["timestamp"][:23] == row["created_at"][:23]


def test_a_secret_that_could_never_sign_does_not_stop_the_one_that_takes_its_place(
    shop, receiver, work
):
    """Such secrets were accepted before the API and the sender had one rule."""
    recipient("ada")
    by_contact(shop, url_of(receiver), OLD)
    row = Contact.objects.get(channel="webhook")
    row.secret = vault.seal_secret("whsec_not base64", bytes(row.address_index))
    row.save()
    assert by_contact(shop, url_of(receiver), NEW)["former_secret_until"] is None
    notify(shop)
    work()
    assert signed(receiver) == {NEW}
