"""Fixtures of replies: a provider whose sender is written to, and messages that it carried."""

import pytest
import redis

from apps.delivery.replies import processing
from tests.support.deliveries.signed_replies import PHONE, Phone, take_replies
from tests.support.publishers.lookups import REDIS_URL, fresh_lookups
from tests.support.publishers.people import recipient

__all__ = ["fresh_lookups"]  # a fixture

HELLO = {"title": "Hello", "body": "There"}


@pytest.fixture(autouse=True)
def _answered_nobody() -> None:
    """No number has had an answer yet."""
    client = redis.Redis.from_url(REDIS_URL)
    if keys := client.keys("notifier:answers:*"):
        client.delete(*keys)
    client.close()


@pytest.fixture
def phone(providers, settings, transactional_db):
    """Ada's phone, at the sandbox's Twilio; she exists once something is sent to her."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
        },
    }
    take_replies(settings)
    return Phone(settings.PROVIDERS["twilio"]["options"])


@pytest.fixture
def backup(phone, settings):
    """The same phone, and a further account's sender."""
    options = {**phone.options, "from_number": "+15005550009"}
    settings.PROVIDERS["twilio-backup"] = {**settings.PROVIDERS["twilio"], "options": options}
    take_replies(settings, "twilio-backup", "https://notify.example.com/v1/replies/twilio-backup")
    return Phone(options, name="twilio-backup")


@pytest.fixture
def send(shop, work):
    """Post a text message to ada and deliver it; the state and reason of its delivery."""
    recipient("ada", sms=PHONE)

    def run(by=shop, **fields):
        body = {"user_id": "ada", "content": HELLO, "channels": ["sms"], **fields}
        posted = by.post("notifications", body)
        work()
        [row] = by.get(f"notifications/{posted['id']}/deliveries")["data"]
        return row["state"], row["reason"]

    return run


@pytest.fixture
def keywords(settings):
    """Set what the file of words and answers says."""

    def run(changes):
        settings.SMS_KEYWORDS = changes
        processing.keywords.cache_clear()

    yield run
    processing.keywords.cache_clear()
