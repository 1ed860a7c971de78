"""Breakers of webhooks' hosts: opened by failures, shared, closed again."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from apps.core.cache import ask_redis
from apps.delivery.flow import host_breakers
from apps.delivery.models import Attempt, Delivery
from apps.delivery.monitoring import metrics
from apps.delivery.sending import runtime
from notifier.domain.outcomes import Reason, Retry
from notifier.resilience.host_breakers import RULES, HostBreakers

SECRET = "whsec_" + 40 * "A"
HELLO = {"title": "Hello", "body": "There"}


@pytest.fixture(autouse=True)
def _no_host_is_known():
    ask_redis(lambda client: client.delete(host_breakers.KEY))
    host_breakers.forget()
    yield
    host_breakers.forget()


@pytest.fixture
def receiver(providers, settings):
    """The sandbox: one machine with two names, which are two hosts."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "breaker": False,
        "options": {
            "allowed_networks": ["127.0.0.0/8", "::1/128"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
            "concurrency": 8,  # three calls to one host at a time
        },
    }
    return providers


@pytest.fixture
def down(receiver):
    """The URL of a host each of whose endpoints fails once."""
    return f"{receiver.config['webhook']['base_url']}/{{}}?behave=503x1"


@pytest.fixture
def up(receiver):
    """The URL of a host that answers."""
    return receiver.config["webhook"]["base_url"].replace("127.0.0.1", "localhost") + "/up"


def subscribed(shop, topic, *urls):
    shop.topic(topic)
    for url in urls:
        requested = {"channel": "webhook", "address": url, "secret": SECRET}
        answer = shop.http.post(f"/v1/topics/{topic}/subscriptions", requested, format="json")
        assert answer.status_code == 200, answer.json()


def posted(shop, topic):
    return shop.post(f"topics/{topic}/publish", {"content": HELLO})


def test_its_messages_wait_without_using_up_attempts_and_others_go_out(
    shop, work, down, up, receiver
):
    subscribed(shop, "news", *(down.format(number) for number in range(30)), up)
    work_on = posted(shop, "news")
    work()
    counts = shop.counts(work_on)["webhook"]
    assert counts == {"retrying": 30, "delivered": 1}
    held = Delivery.objects.filter(reason="endpoint_down")
    assert 10 <= Attempt.objects.filter(outcome="retry").count() <= 14
    assert held.count() == 30 - Attempt.objects.filter(outcome="retry").count()
    assert not held.exclude(attempts=0).exists()
    assert not held.filter(next_attempt_at__isnull=True).exists()


def test_the_publisher_and_the_operator_see_it_and_the_metric_counts_it(
    shop, work, down, receiver, up
):
    subscribed(shop, "news", *(down.format(number) for number in range(20)))
    posted(shop, "news")
    work()
    subscribed(shop, "late", down.format("late"))
    told = posted(shop, "late")
    work()
    [row] = shop.get(f"notifications/{told['id']}/deliveries")["data"]
    assert (row["state"], row["reason"], row["attempts"]) == ("retrying", "endpoint_down", [])
    [one] = seen(1)
    assert one.host in down and one.state == "open"
    assert one.why == "10 calls in a row failed"
    assert "notifier_hosts_left_alone 1.0" in metrics.exposition().decode()
    page = operator().get("/admin/").content.decode()
    assert one.host in page and "10 calls in a row failed" in page


def test_an_operator_has_it_called_again_and_what_waits_goes_out(shop, work, down, receiver, up):
    subscribed(shop, "news", *(down.format(number) for number in range(20)))
    told = posted(shop, "news")
    work()
    [one] = seen(1)
    # It was left alone for long, and nothing calls it meanwhile.
    held = Delivery.objects.filter(reason="endpoint_down")
    waiting = held.count()
    held.update(next_attempt_at=Now() + timedelta(minutes=10))
    body = {"host": one.host, "publisher": one.publisher or ""}
    answer = operator().post("/admin/delivery/notification/host/close/", body)
    assert answer.status_code == 302
    assert host_breakers.left_alone() == []
    time.sleep(host_breakers.KNOWN_AFTER)  # what is due then finds it closed
    work()
    called = Delivery.objects.filter(attempts__gte=1)  # a busy machine repeats them meanwhile
    assert (waiting > 0, held.count(), called.count()) == (True, 0, 20)
    # Each endpoint fails once, and is tried again like any other.
    assert shop.counts(told)["webhook"] == {"retrying": 20}


def test_only_operators_who_may_switch_providers_close_one(shop, receiver):
    body = {"host": "shop.example", "publisher": ""}
    path = "/admin/delivery/notification/host/close/"
    assert operator(may=False).post(path, body).status_code == 403
    assert operator().get(path).status_code == 405
    assert operator().post(path, {"host": "", "publisher": ""}).status_code == 404
    assert operator().post(path, {"host": "a", "publisher": "x"}).status_code == 404


def test_processes_share_breakers_through_redis(transactional_db):
    """Two processes' breakers, each with a store of its own."""
    flow = (7, "shop.example")
    first, second = HostBreakers(), HostBreakers()
    for _ in range(RULES.failures):
        first.report(flow, Retry(Reason.CONNECTION))
    first._exchange_with(host_breakers.RedisStore())
    second._exchange_with(host_breakers.RedisStore())
    assert second.seconds_held(flow) is not None
    assert [(row.publisher, row.host) for row in host_breakers.left_alone()] == [flow]


def test_redis_keeps_few_and_forgets_what_nobody_tries(transactional_db, monkeypatch):
    monkeypatch.setattr(host_breakers, "MOST", 3)
    first = HostBreakers()
    for number in range(5):
        for _ in range(RULES.failures):
            first.report((number, "shop.example"), Retry(Reason.CONNECTION))
    first._exchange_with(host_breakers.RedisStore())
    assert len(host_breakers.left_alone()) == 3
    later = host_breakers.clock.now() + RULES.cooldown + host_breakers.UNTRIED_FOR + 1
    monkeypatch.setattr(host_breakers.clock, "now", lambda: later)
    host_breakers.left_alone()
    assert host_breakers.left_alone() == []


def operator(*, may=True):
    user, _ = User.objects.get_or_create(
        username=f"operator-{may}", is_staff=True, is_superuser=may
    )
    client = Client()
    client.force_login(user)
    return client


def seen(number):
    """The hosts with open breakers, once there are so many: workers report in the background."""
    deadline = time.monotonic() + 10
    while len(host_breakers.left_alone()) != number and time.monotonic() < deadline:
        runtime.event_loop().call(
            lambda: host_breakers.breakers().seconds_held((None, "nobody.example"))
        )
        time.sleep(0.1)
    return host_breakers.left_alone()
