"""Backpressure at the door: who is turned away, and who never notices."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.delivery import overload, provider_switches
from apps.delivery.models import Chunk, Notification
from tests.integration.delivery.conftest import recipient

HELLO = {"body": "Hello"}


@pytest.fixture(autouse=True)
def _fresh_eyes():
    overload.forget()
    yield
    overload.forget()


@pytest.fixture
def _slow_enough(settings):
    settings.OVERLOAD_DATABASE = {"low": 0.3, "normal": 0.6}


def body(priority, **fields):
    return {
        "user_id": "ada",
        "channels": ["inbox"],
        "content": HELLO,
        "priority": priority,
        **fields,
    }


def statuses(shop):
    """What each priority is answered with, urgent ones first."""
    overload.forget()
    answers = {}
    for priority in ("high", "normal", "low"):
        answer = shop.http.post("/v1/notifications", body(priority), format="json")
        answers[priority] = answer.status_code
    return list(answers.values())


def waiting(shop, priority, seconds):
    """Something of that priority that no worker has taken for so long."""
    posted = shop.post("notifications", body(priority))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET ready_at = ready_at - make_interval(secs => %s), "
            "due_at = due_at - make_interval(secs => %s) WHERE notification_id = %s",
            [seconds, seconds, posted["id"]],
        )
    overload.forget()


def test_what_waits_too_long_turns_low_priority_away_and_then_normal(shop, work):
    recipient("ada")
    assert statuses(shop) == [202, 202, 202]
    waiting(shop, "low", 7300)
    assert statuses(shop) == [202, 202, 503], "what is less urgent is no reason to refuse"
    waiting(shop, "normal", 3700)
    assert statuses(shop) == [202, 202, 503]
    waiting(shop, "normal", 7300)
    assert statuses(shop) == [202, 503, 503]
    work()
    assert statuses(shop) == [202, 202, 202]


def test_urgent_ones_that_wait_turn_nobody_away(shop):
    recipient("ada")
    waiting(shop, "high", 10_000)
    assert statuses(shop) == [202, 202, 202]


def test_a_retry_that_was_due_long_ago_counts_and_what_is_for_later_does_not(shop, work):
    recipient("ada")
    posted = shop.post("notifications", body("low"))
    shop.post("notifications", body("low", send_at=timezone.now() + timedelta(days=1)))
    Chunk.objects.filter(notification=posted["id"]).update(state="done")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_delivery (notification_id, chunk_id, channel, priority, state, "
            "next_attempt_at, created_at, updated_at) VALUES (%s, 1, 'inbox', 'low', 'retrying', "
            "now() + interval '1 hour', now(), now())",
            [posted["id"]],
        )
    assert statuses(shop) == [202, 202, 202]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_delivery SET next_attempt_at = now() - interval '2 hours'")
    assert statuses(shop) == [202, 202, 503]


def test_what_waits_for_a_paused_provider_is_no_reason(shop, providers, settings):
    recipient("ada", sms="+15005550006")
    shop.post("notifications", body("low", channels=["sms"]))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_chunk SET ready_at = '2020-01-01', due_at = '2020-01-01'")
    assert statuses(shop) == [202, 202, 503]
    provider_switches.pause("twilio")
    assert statuses(shop) == [202, 202, 202]


def test_the_answer_says_when_to_come_back_and_keeps_no_key(shop):
    recipient("ada")
    waiting(shop, "low", 3700)
    answer = shop.http.post(
        "/v1/notifications", body("low"), format="json", headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert answer.json()["type"] == "/problems/overloaded"
    assert "low priority" in answer.json()["detail"]
    Chunk.objects.update(state="done")
    overload.forget()
    shop.post("notifications", body("low"), **{"Idempotency-Key": "k"})


def test_a_topics_own_priority_decides_where_none_is_named(shop):
    recipient("ada")
    shop.topic("codes", default_priority="high")
    shop.topic("offers", default_priority="low")
    waiting(shop, "low", 3700)
    shop.post("topics/codes/publish", {"content": HELLO})
    shop.post("topics/offers/publish", {"content": HELLO}, status=503)
    shop.post("topics/offers/publish", {"content": HELLO, "priority": "normal"})


def test_a_batch_loses_what_is_refused_and_is_refused_where_nothing_is_left(shop):
    recipient("ada")
    waiting(shop, "low", 3700)
    mixed = {"notifications": [body("low"), body("high"), body("normal")]}
    results = shop.post("notifications/batch", mixed)["results"]
    assert [result["status"] for result in results] == ["error", "accepted", "accepted"]
    assert results[0]["problem"]["type"] == "/problems/overloaded"
    before = Notification.objects.count()
    shop.post("notifications/batch", {"notifications": [body("low")] * 2}, status=503)
    assert Notification.objects.count() == before


@pytest.mark.parametrize("odd", [{"priority": ["low"]}, {"priority": "urgent"}, [], "x"])
def test_what_is_not_valid_is_still_said_to_be(shop, odd):
    recipient("ada")
    waiting(shop, "low", 3700)
    shop.post("notifications", odd, status=400)
    shop.post("notifications/batch", odd, status=400)


@contextmanager
def locked(table):
    """Nobody reads the table: the database is slow for whoever looks there."""
    held, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            held.set()
            release.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)
    try:
        yield
    finally:
        release.set()
        thread.join()


def test_a_slow_database_turns_low_away_while_it_is_still_looked_at(shop, _slow_enough):
    recipient("ada")
    overload.forget()
    with locked("delivery_delivery"):
        took, codes = [], []
        for priority in ("low", "low", "normal", "high", "normal", "low"):
            begun = time.monotonic()
            answer = shop.http.post("/v1/notifications", body(priority), format="json")
            took.append(time.monotonic() - begun)
            codes.append(answer.status_code)
            time.sleep(0.2)
    assert codes[0] == 202 and codes[-1] == 503, "it takes a moment to be seen"
    assert codes[3] == 202, "high priority is never refused"
    assert max(took) < 2.0, "nobody waits for what is slow"
    time.sleep(1.1)
    assert statuses(shop) == [202, 202, 202]


@contextmanager
def connections_taken(number):
    """So many of the pool's connections are in use."""
    taken, release = threading.Semaphore(0), threading.Event()

    def take():
        connection.ensure_connection()
        taken.release()
        release.wait(20)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(number)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert taken.acquire(timeout=5)
    try:
        yield
    finally:
        release.set()
        for thread in threads:
            thread.join()


def test_a_pool_without_connections_turns_low_away_and_leaves_the_rest_to_others(shop, settings):
    settings.OVERLOAD_DATABASE = {"low": 0.3, "normal": 10.0}
    recipient("ada")  # on this thread's own connection
    with connections_taken(settings.DATABASE_POOL - 1):
        assert statuses(shop) == [202, 202, 202], "it takes a moment to be seen"
        time.sleep(0.4)
        answers = [
            shop.http.post("/v1/notifications", body(priority), format="json").status_code
            for priority in ("low", "normal", "high")
        ]
        assert answers == [503, 202, 202]
    time.sleep(0.1)
    assert statuses(shop) == [202, 202, 202]


def test_readiness_says_nothing_of_it_and_metrics_do(shop):
    recipient("ada")
    waiting(shop, "normal", 7300)
    assert statuses(shop) == [202, 503, 503]
    assert shop.http.get("/readyz").status_code == 200
    said = shop.http.get("/metrics").content.decode()
    assert 'notifier_overload{priority="low"} 1.0' in said
    assert 'notifier_overload{priority="normal"} 1.0' in said
    assert 'notifier_overload_refused_total{because="backlog",priority="low"}' in said
