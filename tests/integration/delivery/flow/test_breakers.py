"""Breakers of providers: opened by failures, shared by all, closed again by themselves."""

import asyncio
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from apps.core import cache
from apps.delivery.flow import breaker_store, breakers, provider_pauses
from apps.delivery.maintenance import sweeper
from apps.delivery.models import Attempt, Claim, Delivery
from apps.delivery.monitoring import metrics
from apps.delivery.sending import runtime
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.resilience.breaker import PROBE_WAIT
from tests.support.deliveries.engine import work_once
from tests.support.fakes.dead_redis import dead_redis
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient

HELLO = {"body": "Hello", "title": "Hello"}
LETTER = {"channels": ["email"], "content": HELLO}
COOLDOWN = 60.0
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def rules(settings):
    """Breakers that open after three failures for a minute; ``cool`` ends it."""
    settings.BREAKER = {
        **settings.BREAKER,
        "failures": 3,
        "cooldown": COOLDOWN,
        "probes": 2,
    }


@pytest.fixture
def cool(monkeypatch):
    """End the cool-down, or so many."""

    def run(times=1):
        later = time.time() + times * COOLDOWN
        monkeypatch.setattr(breakers, "clock", SimpleNamespace(now=lambda: later))
        breakers.forget()

    return run


@pytest.fixture
def many(shop):
    """Notify so many people at once by SMS or email."""

    def post(channel, number):
        people = [f"{channel}-{n}" for n in range(number)]
        for n, name in enumerate(people):
            address = {"sms": f"+4366012345{n:02d}", "email": f"{name}@example.com"}[channel]
            recipient(name, **{channel: address})
        body = {"user_ids": people, "channels": [channel], "content": HELLO}
        return shop.post("notifications", body)

    return post


@pytest.fixture
def two_mailers(settings, monkeypatch):
    """Two providers of email, of which the first fails."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {
        "sendgrid": {"class": path, "channel": "email"},
        "smtp": {"class": f"{__name__}.Healthy", "channel": "email"},
    }
    monkeypatch.setattr(Scripted, "calls", [])
    monkeypatch.setattr(
        Scripted, "answer", staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR))
    )


class Healthy(Scripted):
    calls: list[str] = []
    answer = staticmethod(lambda message: Accepted("id"))


class SlowlyFailing(Scripted):
    """Fail after a while, two calls at a time."""

    calls: list[str] = []

    def __init__(self, name):
        super().__init__(name, concurrency=2)

    async def send(self, message):
        self.calls.append(message.id)
        await asyncio.sleep(0.1)
        return Retry(Reason.PROVIDER_ERROR)


def state(name):
    [row] = [row for row in breakers.breakers() if row.name == name]
    return row.state


def test_a_broken_provider_is_left_alone_and_its_messages_wait_unharmed(
    shop,
    many,
    work,
    wake,
    providers,
    cool,
):
    providers.client.behave("twilio", "500")
    first = many("sms", 3)
    work()
    assert state("twilio") == "open"
    [row] = [row for row in breakers.breakers() if row.name == "twilio"]
    assert row.why == "3 calls in a row failed" and row.since is not None
    body = {"user_id": "sms-0", "channels": ["sms"], "content": HELLO}
    second = shop.post("notifications", body)
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    sweeper.sweep()
    assert work_once() == 0 and not Claim.objects.exists(), "what is due waits with its provider"
    assert Attempt.objects.count() == 3
    assert 'notifier_breaker_state{provider="twilio"} 2.0' in metrics.exposition().decode()

    providers.client.heal()
    cool()
    half_open = 'notifier_breaker_state{provider="twilio"} 1.0'
    assert half_open in metrics.exposition().decode(), "nothing is sent, and its time is over"
    for _ in range(3):
        wake()
        work()
    assert state("twilio") == "closed"
    assert shop.counts(first) == {"sms": {"accepted": 3}}
    assert shop.counts(second) == {"sms": {"accepted": 1}}
    numbers = sorted(Attempt.objects.values_list("number", flat=True))
    assert numbers == [1, 1, 1, 1, 2, 2, 2], "waiting used up no attempt"


def test_a_failed_probe_waits_no_less_than_those_that_waited_for_it(
    settings, many, work, wake, providers, cool
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": (0.1,) * 8}
    providers.client.behave("twilio", "500")
    many("sms", 6)
    work()
    assert state("twilio") == "open"
    Attempt.objects.all().delete()
    cool()
    wake()
    work_once()
    probed = Delivery.objects.filter(pk__in=Attempt.objects.values("delivery_id"))
    assert len(probed) == 2, "as many as a half-open breaker lets through"
    for delivery in probed:
        waits = delivery.next_attempt_at - delivery.updated_at
        assert waits > timedelta(seconds=PROBE_WAIT - 0.5), "the next probes are others"


def test_to_probe_uses_up_no_attempt(settings, shop, many, work, wake, providers, cool):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": (0.1,)}
    settings.BREAKER = {**settings.BREAKER, "longest_cooldown": COOLDOWN}
    providers.client.behave("twilio", "500")
    posted = many("sms", 3)
    work()
    assert state("twilio") == "open"
    for times in range(1, 5):
        cool(times)
        wake()
        work_once()
    assert Attempt.objects.count() == 3 + 4 * 2
    assert shop.counts(posted) == {"sms": {"retrying": 3}}, "two attempts are all that they have"
    cool(5)
    providers.client.heal()
    for _ in range(3):
        wake()
        work()
    assert shop.counts(posted) == {"sms": {"accepted": 3}}


def test_what_waits_in_a_worker_for_its_turn_is_not_sent_once_the_breaker_is_open(
    shop, many, work, settings, monkeypatch
):
    path = f"{__name__}.SlowlyFailing"
    settings.PROVIDERS = {"twilio": {"class": path, "channel": "sms"}}
    monkeypatch.setattr(SlowlyFailing, "calls", [])
    posted = many("sms", 60)
    work()
    assert len(SlowlyFailing.calls) < 40, "two at a time, and a check twice a second"
    assert shop.counts(posted) == {"sms": {"retrying": 60}}
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert {row["reason"] for row in rows} == {"provider_down", "provider_error"}
    assert Attempt.objects.count() == len(SlowlyFailing.calls)


def test_half_open_only_as_many_as_probes_are_sent(
    shop,
    many,
    work,
    wake,
    providers,
    cool,
):
    providers.client.behave("twilio", "500")
    posted = many("sms", 5)
    work()
    cool()
    wake()
    work()
    assert Attempt.objects.count() == 5 + 2
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert sorted(row["reason"] for row in rows) == ["provider_down"] * 3 + ["provider_error"] * 2
    assert state("twilio") == "open", "they failed"


def test_the_next_provider_of_the_channel_carries_its_messages(shop, many, work, wake, two_mailers):
    posted = many("email", 3)
    work()
    assert state("sendgrid") == "open" and state("smtp") == "closed"
    wake()
    work()
    assert shop.counts(posted) == {"email": {"accepted": 3}}
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert {row["provider"] for row in rows} == {"smtp"}


def test_a_provider_that_refuses_our_credentials_is_left_alone_where_there_is_another(
    shop, many, work, wake, two_mailers, monkeypatch, settings
):
    refused = Refused(Reason.AUTHENTICATION, status=401)
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda message: refused))
    posted = many("email", 3)
    work()
    assert state("sendgrid") == "open"
    wake()
    work()
    assert shop.counts(posted) == {"email": {"accepted": 3}}
    del settings.PROVIDERS["smtp"]
    breakers.close("sendgrid")
    alone = shop.post("notifications", {**LETTER, "user_ids": [f"email-{n}" for n in range(3)]})
    runtime.close()
    work()
    assert state("sendgrid") == "closed", "nobody would carry them meanwhile"
    assert shop.counts(alone) == {"email": {"dead": 3}}


def test_every_process_sees_an_open_breaker(many, work, two_mailers):
    many("email", 3)
    work()
    breakers.forget()  # as another process, which has counted nothing
    assert breakers.allowance("sendgrid").capacity == 0


def test_an_operator_closes_a_breaker_and_what_waits_is_due(many, work, two_mailers):
    many("email", 3)
    work()
    Delivery.objects.update(reason="provider_down", next_attempt_at=timezone.now() + HOUR)
    breakers.close("sendgrid")
    assert Delivery.objects.filter(next_attempt_at__lte=timezone.now()).count() == 3
    assert state("sendgrid") == "closed" and breakers.allowance("sendgrid") is None
    provider_pauses.pause("sendgrid")
    assert state("sendgrid") == "paused"


def test_dead_endpoints_of_some_do_not_stop_everybodys_webhooks(settings):
    assert not breakers.has_breaker("webhook")


def test_without_redis_each_process_has_breakers_of_its_own(
    shop, many, work, wake, two_mailers, monkeypatch, caplog
):
    monkeypatch.setattr(cache._shared, "_clients", cache._Clients())
    monkeypatch.setattr(cache._shared, "connect", dead_redis)
    monkeypatch.setattr(cache._shared, "_rests_until", 0.0)
    before = breaker_store.UNSHARED._value.get()
    posted = many("email", 3)
    work()
    assert breakers.allowance("sendgrid").capacity == 0
    wake()
    work()
    assert shop.counts(posted) == {"email": {"accepted": 3}}
    assert caplog.text.count("each process has breakers of its own") == 1
    assert breaker_store.UNSHARED._value.get() > before
