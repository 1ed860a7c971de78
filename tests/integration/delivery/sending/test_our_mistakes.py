"""A mistake of ours costs no address: dead letters, which go out once it is corrected.

And what one recipient's server defers stops nobody else's mail.
"""

import asyncio
import contextlib
import threading

import pytest

from apps.delivery.flow import breakers
from apps.delivery.models import Delivery
from apps.delivery.sending import runtime
from apps.preferences.models import Contact
from stack.supervision.process import PATIENCE
from tests.support.deliveries.mistakes import HELLO, nothing_was_given_up, post_to_many, redrive
from tests.support.fakes.mail_server import TAKING, mail_server
from tests.support.fakes.tiny_servers import listening
from tests.support.publishers.people import contact, recipient


@contextlib.contextmanager
def serving(handler):
    """The port at which ``handler`` answers, on a loop and thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = listening(handler)
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(PATIENCE)
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)


def test_credentials_of_another_project_cost_no_device_and_all_is_sent_once_they_are_right(
    shop, work, wake, providers
):
    providers.client.behave("fcm", "403")
    posted = post_to_many(
        shop, "push_android", 60, lambda n: f"device-{n:04d}:APA91bHun4MxP5egoKMwt2KZFBa"
    )
    work()
    assert shop.counts(posted) == {"push": {"dead": 60}}
    assert set(Delivery.objects.values_list("reason", flat=True)) == {"sender_refused"}
    nothing_was_given_up()
    assert breakers.allowance("fcm") is None

    providers.client.heal()
    assert redrive(shop, reason="sender_refused") == 60
    wake()
    work()
    assert shop.counts(posted) == {"push": {"accepted": 60}}


def test_the_other_apple_environment_costs_no_device(shop, work, providers, settings):
    entry = settings.PROVIDERS["apns"]
    options = {**entry["options"], "topic": "com.example.other"}
    settings.PROVIDERS = {**settings.PROVIDERS, "apns": {**entry, "options": options}}
    posted = post_to_many(shop, "push_ios", 25, lambda n: f"{n:02x}" * 32)
    work()
    assert shop.counts(posted) == {"push": {"dead": 25}}
    nothing_was_given_up()


def test_a_sender_that_may_not_send_there_is_asked_for_by_the_next_provider(
    shop, work, wake, providers, settings
):
    entry = settings.PROVIDERS["twilio"]
    wrong = {**entry, "options": {**entry["options"], "from_number": "+15005550001"}}  # 21212
    settings.PROVIDERS = {"twilio": wrong, "twilio-backup": entry}
    posted = post_to_many(shop, "sms", 3, lambda n: f"+4366012345{n:02d}")
    work()
    wake()
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 3}}
    assert set(Delivery.objects.values_list("provider", flat=True)) == {"twilio-backup"}

    settings.PROVIDERS = {"twilio": wrong}
    runtime.close()
    body = {"user_ids": ["person-0"], "channels": ["sms"], "content": HELLO}
    alone = shop.post("notifications", body)
    work()
    assert shop.counts(alone) == {"sms": {"dead": 1}}
    nothing_was_given_up()


def test_a_device_of_a_platform_without_a_provider_is_a_dead_letter(
    shop, work, wake, providers, settings
):
    full = settings.PROVIDERS
    settings.PROVIDERS = {name: entry for name, entry in full.items() if name != "apns"}
    posted = post_to_many(shop, "push_ios", 1, lambda n: "ab" * 32)
    work()
    assert shop.counts(posted) == {"push": {"dead": 1}}
    settings.PROVIDERS = full
    runtime.close()
    assert redrive(shop, reason="no_provider") == 1
    wake()
    work()
    assert shop.counts(posted) == {"push": {"accepted": 1}}


def test_a_malformed_token_disables_its_device_alone(shop, work, providers):
    ada = recipient("ada", push_android="device-0001:APA91bHun4MxP5egoKMwt2KZFBa")
    bad = contact("push", "no token at all!", recipient=ada, platform="android")
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["push"], "content": HELLO})
    work()
    assert shop.counts(posted) == {"push": {"accepted": 1, "failed": 1}}
    assert Delivery.objects.get(state="failed").reason == "invalid_address"
    assert list(Contact.objects.filter(state="disabled")) == [bad]


@pytest.mark.parametrize(
    "replies",
    [
        {"RCPT": "450 4.2.0 Recipient address rejected: Greylisted"},
        {"RCPT": "451 4.7.1 Try again later"},
        {"RCPT": "450 try later"},
        {".": "451 4.7.1 Greylisting in action, please come back later"},
        {"RCPT": "452 4.2.2 The mailbox is over its quota"},
    ],
)
def test_greylisted_recipients_do_not_stop_the_mail_of_others(shop, work, settings, replies):
    with serving(mail_server({**TAKING, **replies}, [])) as port:
        options = {"host": "127.0.0.1", "port": port, "tls": "none", "from_email": "us@our.example"}
        smtp = {"class": "notifier.providers.smtp.SMTP", "channel": "email", "options": options}
        settings.PROVIDERS = {"smtp": smtp}
        posted = post_to_many(shop, "email", 25, lambda n: f"person-{n}@example.com")
        work()
        assert shop.counts(posted) == {"email": {"retrying": 25}}
        assert set(Delivery.objects.values_list("reason", flat=True)) == {"deferred"}
        assert breakers.allowance("smtp") is None, "its breaker is open"
    nothing_was_given_up()


@pytest.mark.parametrize("reply", ["451 4.3.0 Internal error", "421 Service not available"])
def test_a_mail_server_that_fails_opens_its_breaker_even_by_rcpt(shop, work, settings, reply):
    with serving(mail_server({**TAKING, "RCPT": reply}, [])) as port:
        options = {"host": "127.0.0.1", "port": port, "tls": "none", "from_email": "us@our.example"}
        smtp = {"class": "notifier.providers.smtp.SMTP", "channel": "email", "options": options}
        settings.PROVIDERS = {"smtp": smtp}
        post_to_many(shop, "email", 25, lambda n: f"person-{n}@example.com")
        work()
        allowance = breakers.allowance("smtp")
        assert allowance is not None
        assert allowance.capacity == 0
