"""Addresses that a provider refuses as dead are suppressed."""

from apps.preferences.models import Suppression
from tests.support.deliveries.signed_receipts import HELLO
from tests.support.publishers.shop import delivery_of


def register(shop, body):
    answer = shop.http.put("/v1/recipients/ada", body, format="json")
    assert answer.status_code in (200, 201), answer.json()


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
