"""Channels and platforms without a provider: refused, or kept until there is one."""

import pytest

from apps.delivery.models import Chunk, Claim, Delivery
from apps.delivery.sending import runtime
from tests.support.deliveries.engine import work_once
from tests.support.publishers.people import recipient, subscribe

HELLO = {"title": "Hello", "body": "World"}
NUMBER, TOKEN, ANDROID = "+12025550123", "a" * 64, "android-token-of-ada-1234"


@pytest.fixture
def without(providers, settings):
    """Remove providers, as a missing setting does, and put them back."""
    webhook = {"class": "tests.support.fakes.null_provider.Nobody", "channel": "webhook"}
    whole = settings.PROVIDERS | {"webhook": webhook}

    def take(*names):
        runtime.close()  # as in another process, with other settings
        settings.PROVIDERS = {name: one for name, one in whole.items() if name not in names}

    return take


def test_a_channel_without_a_provider_is_refused_where_it_is_named(shop, without):
    recipient("ada", sms=NUMBER)
    without("twilio", "sendgrid")
    problem = shop.post(
        "notifications",
        {"user_id": "ada", "channels": ["sms", "inbox", "email"], "content": HELLO},
        status=422,
    )
    assert problem["type"] == "/problems/no-provider"
    assert "sms has no provider: NOTIFIER_TWILIO_ACCOUNT_SID sets one up" in problem["detail"]
    assert "Leave sms and email out" in problem["detail"]
    assert problem["errors"] == [
        {
            "pointer": "/channels",
            "detail": "sms: no provider: NOTIFIER_TWILIO_ACCOUNT_SID sets one up.",
        },
        {
            "pointer": "/channels",
            "detail": "email: no provider: NOTIFIER_SENDGRID_API_KEY or NOTIFIER_SMTP_HOST sets "
            "one up.",
        },
    ]
    assert not Chunk.objects.exists()


@pytest.mark.parametrize("priority", ["high", "normal", "low"])
def test_every_endpoint_refuses_it(shop, without, priority):
    recipient("ada", sms=NUMBER)
    shop.topic("news")
    shop.http.put("/v1/groups/on-call", {}, format="json")
    without("twilio")
    body = {"content": HELLO, "channels": ["sms"], "priority": priority}
    shop.post("notifications", {"user_id": "ada", **body}, status=422)
    shop.post("topics/news/publish", body, status=422)
    shop.post("groups/on-call/notify", body, status=422)
    batch = shop.post(
        "notifications/batch",
        {
            "notifications": [
                {"user_id": "ada", **body},
                {"user_id": "ada", "content": HELLO, "channels": ["inbox"]},
            ]
        },
    )
    assert [one["status"] for one in batch["results"]] == ["error", "accepted"]
    assert batch["results"][0]["problem"]["type"] == "/problems/no-provider"


def test_a_fallback_without_a_provider_is_refused(shop, without):
    recipient("ada", sms=NUMBER)
    without("twilio")
    problem = shop.post(
        "notifications",
        {
            "user_id": "ada",
            "channels": ["inbox"],
            "fallback": {"channel": "sms", "after_seconds": 60},
            "content": HELLO,
        },
        status=422,
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/fallback/channel"]


def test_channels_that_nobody_named_are_those_with_a_provider(shop, work, without):
    ada = recipient("ada", sms=NUMBER, email="ada@example.com")
    topic = shop.topic("news")
    subscribe(topic, ada, "sms", "inbox")
    without("twilio")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO})
    assert posted["channels"] == ["email", "inbox"]
    published = shop.post("topics/news/publish", {"content": HELLO})
    assert "sms" not in published["channels"]
    work()
    assert shop.counts(posted) == {"email": {"accepted": 1}, "inbox": {"delivered": 1}}
    assert shop.counts(published) == {"inbox": {"delivered": 1}}


def test_what_was_accepted_before_waits_and_goes_out_once_there_is_a_provider(
    shop, work, without, client
):
    ada = recipient("ada", sms=NUMBER, email="ada@example.com")
    topic = shop.topic("news")
    subscribe(topic, ada, "sms", "email")
    named = shop.post("notifications", {"user_id": "ada", "channels": ["sms"], "content": HELLO})
    published = shop.post("topics/news/publish", {"content": HELLO})
    without("twilio")
    for _ in range(2):
        work_once()
    assert not Delivery.objects.filter(channel="sms").exists()
    assert not Claim.objects.exists()
    assert shop.counts(published) == {"email": {"accepted": 1}}
    assert shop.get(f"notifications/{named['id']}")["state"] == "sending"
    without()
    work()
    assert shop.counts(named) == {"sms": {"accepted": 1}}
    assert shop.counts(published) == {"email": {"accepted": 1}, "sms": {"accepted": 1}}


def test_a_platform_without_a_provider_leaves_a_dead_letter_to_be_redriven(
    shop, work, wake, without, client
):
    recipient("ada", push_ios=TOKEN, push_android=ANDROID)
    without("apns")
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["push"], "content": HELLO})
    work()
    assert shop.counts(posted) == {"push": {"accepted": 1, "dead": 1}}
    [letter] = shop.get("dead-letters")["data"]
    assert letter["reason"] == "no_provider"
    said = client.get("/readyz").json()["channels"]["push"]
    assert said == "no provider for ios: NOTIFIER_APNS_TOPIC sets one up"
    without()
    shop.post("dead-letters/redrive", {"match": {"reason": "no_provider"}}, status=200)
    wake()
    work()
    assert shop.counts(posted) == {"push": {"accepted": 2}}


def test_readiness_names_the_channels_that_cannot_be_sent_on_and_stays_ok(client, db, without):
    without("twilio", "fcm", "apns")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    channels = answer.json()["channels"]
    assert channels["sms"] == "no provider: NOTIFIER_TWILIO_ACCOUNT_SID sets one up"
    assert channels["push"] == (
        "no provider: NOTIFIER_FCM_SERVICE_ACCOUNT_FILE or NOTIFIER_APNS_TOPIC sets one up"
    )
    assert channels["inbox"] == channels["email"] == "ok"


def test_the_start_page_names_the_channels_that_cannot_be_sent_on(admin_client, without):
    without()
    page = admin_client.get("/admin/").content.decode()
    assert "Cannot be sent on" not in page
    without("twilio")
    page = admin_client.get("/admin/").content.decode()
    assert "Cannot be sent on" in page
    assert "sms: no provider: NOTIFIER_TWILIO_ACCOUNT_SID sets one up" in page
