"""Quotas of provider accounts: all workers share them, and what exceeds them waits."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from itertools import pairwise

import pytest

from apps.core.cache import ask_redis
from apps.delivery.flow import provider_quotas
from apps.delivery.models import Attempt, Chunk, Delivery
from apps.delivery.monitoring import metrics
from apps.delivery.outbox import claims
from apps.delivery.outbox.queues import Queue
from notifier.resilience.token_bucket import Quota
from tests.support.deliveries.engine import work_once
from tests.support.publishers.people import recipient

HELLO = {"body": "Hello"}


@pytest.fixture(autouse=True)
def unthrottled():
    def clear():
        provider_quotas.forget()
        keys = f"{provider_quotas.KEY}*"
        ask_redis(lambda client: [client.delete(key) for key in client.scan_iter(keys)])

    clear()
    yield
    clear()


@pytest.fixture
def quota(settings):
    """Give twilio a quota."""

    def give(**limits):
        entry = settings.PROVIDERS.get("twilio", {"channel": "sms"}) | {"quota": limits}
        settings.PROVIDERS = settings.PROVIDERS | {"twilio": entry}
        provider_quotas.forget()

    return give


@pytest.fixture
def text(shop):
    """Send a text message to so many people."""
    numbers = iter(range(10**6))

    def post(number, priority="low"):
        people = [f"sms-{next(numbers)}" for _ in range(number)]
        for name in people:
            recipient(name, sms=f"+43660{int(name[4:]):07d}")
        body = {"user_ids": people, "channels": ["sms"], "content": HELLO, "priority": priority}
        return shop.post("notifications", body)

    return post


def received(providers):
    return providers.client.counts()["twilio"]["accepted"]


def held():
    return Delivery.objects.filter(state="retrying", reason="throttled").order_by("next_attempt_at")


def test_what_exceeds_a_quota_waits_and_uses_up_no_attempt(
    shop, text, work, wake, providers, quota
):
    quota(per_second=10)
    posted = text(30)
    work_once()  # `work` would go on with what a slow machine finds due meanwhile
    assert received(providers) == 10, "low priority leaves three of thirteen to the others"
    assert shop.counts(posted) == {"sms": {"accepted": 10, "retrying": 20}}
    first = held()[0]
    assert first.next_attempt_at - first.updated_at < timedelta(seconds=0.2), "its turn is next"
    turns = [(row.next_attempt_at - first.next_attempt_at).total_seconds() for row in held()]
    gaps = [later - sooner for sooner, later in pairwise(turns)]
    assert gaps == pytest.approx([0.1] * 19, abs=0.01)
    assert Attempt.objects.count() == 10
    assert 'notifier_throttled_total{priority="low",provider="twilio"} 20.0' in (
        metrics.exposition().decode()
    )
    for _ in range(10):
        if not held():
            break
        _refill()
        wake()
        work()
    assert shop.counts(posted) == {"sms": {"accepted": 30}}
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}


def _refill():
    ask_redis(lambda client: client.hset(f"{provider_quotas.KEY}twilio", "at", "0"))


def test_high_priority_passes_while_low_priority_has_used_the_quota_up(
    shop, text, work, providers, quota
):
    quota(per_second=10)
    text(30)
    work_once()
    urgent = text(2, "high")
    Chunk.objects.filter(kind="retry").delete()
    work()
    assert shop.counts(urgent) == {"sms": {"accepted": 2}}


#: A process that takes all it is given for a second, once it is told to begin.
TAKER = """
import sys, time
import django
django.setup()
from apps.delivery.flow import provider_quotas
provider_quotas.take("inbox", {"inbox": 0}, "high", again=False)
print("ready", flush=True)
sys.stdin.readline()
given, until = 0, time.monotonic() + 1
while time.monotonic() < until:
    given += provider_quotas.take("inbox", {"inbox": 20}, "high", again=False)["inbox"].granted
    time.sleep(0.005)
print(given)
"""


def test_all_processes_share_one_quota():
    environment = os.environ | {"NOTIFIER_PROVIDER_QUOTAS": "inbox=200"}
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [taker.stdout.readline() for taker in takers] == ["ready\n"] * 2
    began = time.monotonic()
    for taker in takers:
        taker.stdin.write("\n")
        taker.stdin.flush()
    given = [int(taker.communicate()[0]) for taker in takers]
    quota = Quota(200)
    most = quota.burst + 200 * (time.monotonic() - began)
    assert 350 < sum(given) <= most
    assert min(given) > 20, "none of them goes without"


def test_calls_at_once_are_shared_by_the_processes_that_send(quota, monkeypatch):
    quota(concurrent=20)
    for number, name in enumerate(["one:1", "one:2", "two:1"], 1):
        monkeypatch.setattr(provider_quotas, "_me", lambda name=name: name)
        grant = provider_quotas.take("sms", {"twilio": 1000}, "low", again=False)["twilio"]
        assert (grant.granted, grant.processes) == (1000, number)


def test_no_more_calls_are_under_way_than_the_account_may_have(text, work, providers, quota):
    quota(concurrent=2)
    providers.client.behave("twilio", "slow", seconds=0.2)
    text(6)
    work()
    starts = sorted(Attempt.objects.values_list("started_at", flat=True))
    assert starts[2] - starts[0] > timedelta(seconds=0.15)
    assert starts[4] - starts[2] > timedelta(seconds=0.15)


def test_without_redis_a_process_keeps_to_its_share(quota, monkeypatch, caplog, db):
    quota(per_second=90)
    for name in ("one:1", "one:2", "one:3"):
        monkeypatch.setattr(provider_quotas, "_me", lambda name=name: name)
        provider_quotas.take("sms", {"twilio": 1}, "high", again=False)
    monkeypatch.setattr(provider_quotas, "_take", lambda keys, arguments: None)
    grants = [
        provider_quotas.take("sms", {"twilio": 100}, "high", again=False)["twilio"]
        for _ in range(2)
    ]
    assert [grant.granted for grant in grants] == [39, 0]
    assert caplog.text.count("Redis does not answer; each process keeps to its share") == 1
    assert "notifier_unshared_throttles_total 2" in metrics.exposition().decode()


def test_a_process_that_never_reached_redis_shares_with_all_that_hold_claims(
    quota, monkeypatch, db
):
    quota(per_second=90)
    monkeypatch.setattr(provider_quotas, "_take", lambda keys, arguments: None)
    for number, channel in enumerate(["sms", "sms", "sms", "push"]):
        monkeypatch.setattr(claims, "_worker", lambda number=number: f"host/1/{number}")
        claims.open(claims.new_id(), Queue(channel, "high"))
    grant = provider_quotas.take("sms", {"twilio": 100}, "high", again=False)["twilio"]
    assert (grant.granted, grant.processes) == (39, 3)


def test_a_redis_that_lost_everything_is_no_error(quota):
    quota(per_second=10)
    provider_quotas.take("sms", {"twilio": 10}, "high", again=False)
    ask_redis(lambda client: (client.flushall(), client.script_flush()))
    grant = provider_quotas.take("sms", {"twilio": 10}, "high", again=False)["twilio"]
    assert grant.granted == 10


def test_what_was_cancelled_while_it_waited_is_never_sent(shop, text, work, wake, providers, quota):
    quota(per_second=10)
    posted = text(13)
    work_once()
    assert received(providers) == 10
    shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    _refill()
    wake()
    work()
    assert received(providers) == 10
    assert shop.counts(posted) == {"sms": {"accepted": 10, "cancelled": 3}}
