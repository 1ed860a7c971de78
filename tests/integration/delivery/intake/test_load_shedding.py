"""Load shedding: what is refused while too much waits, and what never is."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.delivery.flow import provider_pauses
from apps.delivery.intake import load_shedding
from apps.delivery.models import Chunk, Notification
from apps.delivery.outbox import backlog
from apps.delivery.outbox.queues import Queue, all_queues
from stack.supervision.process import PATIENCE
from tests.support.database import table_locked
from tests.support.publishers.people import recipient
from tests.support.waiting import cpu_of_database, until

HELLO = {"body": "Hello"}


@pytest.fixture(autouse=True)
def _fresh_eyes():
    load_shedding.forget()
    yield
    load_shedding.forget()


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


def measure():
    """Measure anew, and wait for it: on a busy machine that takes longer than requests wait."""
    load_shedding.forget()
    load_shedding.refused(timeout=PATIENCE)


def statuses(shop, *channels, measured=True):
    """The status with which each priority is answered on these channels, high first."""
    if measured:
        measure()
    else:
        load_shedding.forget()
    answers = {}
    for priority in ("high", "normal", "low"):
        posted = body(priority, channels=channels or ["inbox"])
        answer = shop.http.post("/v1/notifications", posted, format="json")
        answers[priority] = answer.status_code
    return list(answers.values())


def waiting(shop, priority, seconds, channel="inbox"):
    """Post with this priority, as if no worker had claimed it for so many seconds."""
    load_shedding.forget()
    posted = shop.post("notifications", body(priority, channels=[channel]))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET ready_at = ready_at - make_interval(secs => %s), "
            "due_at = due_at - make_interval(secs => %s) WHERE notification_id = %s",
            [seconds, seconds, posted["id"]],
        )
    measure()


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
    waiting(shop, "low", 7300, "sms")
    assert statuses(shop, "sms") == [202, 202, 503]
    provider_pauses.pause("twilio")
    assert statuses(shop, "sms") == [202, 202, 202]


def test_slow_webhooks_refuse_what_is_for_webhooks_and_nothing_else(shop):
    recipient("ada", sms="+15005550006", webhook="https://example.com/hook")
    waiting(shop, "low", 10_000, "webhook")
    waiting(shop, "normal", 10_000, "webhook")
    assert statuses(shop, "webhook") == [202, 503, 503]
    assert statuses(shop, "inbox") == [202, 202, 202]
    assert statuses(shop, "sms") == [202, 202, 202]
    refused = shop.post("notifications", body("low", channels=["webhook"]), status=503)
    assert refused["channels"] == ["webhook"]
    assert refused["detail"].startswith("Too much waits on webhook, and low priority has to wait.")


def test_what_has_another_channel_is_taken_with_a_warning(shop):
    recipient("ada", sms="+15005550006", webhook="https://example.com/hook")
    waiting(shop, "normal", 10_000, "webhook")
    measure()
    [warning] = shop.post("notifications", body("low", channels=["webhook", "sms"]))["warnings"]
    assert warning["pointer"] == "/channels"
    assert "waits on webhook" in warning["detail"]
    unnamed = body("normal")
    del unnamed["channels"]
    [warning] = shop.post("notifications", unnamed)["warnings"]
    assert warning["pointer"] == ""
    assert "warnings" not in shop.post("notifications", body("high", channels=["webhook", "sms"]))
    waiting(shop, "normal", 10_000, "sms")
    refused = shop.post("notifications", body("low", channels=["webhook", "sms"]), status=503)
    assert refused["channels"] == ["sms", "webhook"]


def test_audiences_that_wait_to_be_cut_refuse_topics_and_groups_and_not_one_person(shop):
    recipient("ada")
    shop.topic("offers")
    posted = shop.post("topics/offers/publish", {"content": HELLO})
    Chunk.objects.filter(notification=posted["id"]).update(
        ready_at=timezone.now() - timedelta(days=1)
    )
    measure()
    refused = shop.post("topics/offers/publish", {"content": HELLO}, status=503)
    assert "audiences" in refused["detail"]
    assert statuses(shop) == [202, 202, 202]


def test_a_look_at_hundreds_of_thousands_that_wait_takes_a_moment(shop):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_chunk (notification_id, publisher_id, kind, channel, priority, "
            "recipient_ids, state, fence, due_at, ready_at) SELECT gen_random_uuid(), n % 100, "
            "'named', 'webhook', 'low', '{1}', 'queued', 0, now(), now() - interval '3 hours' "
            "+ n * interval '1 ms' FROM generate_series(1, 300000) n"
        )
        cursor.execute(
            "INSERT INTO delivery_chunk (publisher_id, kind, channel, priority, state, fence, "
            "due_at, ready_at) VALUES (7, 'named', 'sms', 'low', 'queued', 0, now(), "
            "now() - interval '1 minute')"
        )
        cursor.execute("ANALYZE delivery_chunk")
    begun = cpu_of_database()
    found = backlog.ages(all_queues())
    assert cpu_of_database() - begun < 0.2
    assert found[Queue("webhook", "low")] == pytest.approx(3 * 3600, abs=60)
    assert found[Queue("sms", "low")] == pytest.approx(60, abs=30)
    begun = cpu_of_database()
    counted = {(row.channel, row.priority): row for row in backlog.backlog()}
    assert cpu_of_database() - begun < 1
    assert counted["webhook", "low"].waiting == backlog.MOST
    assert counted["sms", "low"].waiting == 1, "what waits elsewhere hides nothing"


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
    measure()
    shop.post("notifications", body("low"), **{"Idempotency-Key": "k"})


def test_a_topics_own_priority_decides_where_none_is_named(shop):
    recipient("ada")
    shop.topic("codes", default_priority="high")
    shop.topic("offers", default_priority="low")
    waiting(shop, "low", 3700)
    shop.post("topics/codes/publish", {"content": HELLO})
    offer = {"content": HELLO, "channels": ["inbox"]}
    shop.post("topics/offers/publish", offer, status=503)
    shop.post("topics/offers/publish", {**offer, "priority": "normal"})


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


def test_a_slow_database_turns_low_away_while_it_is_still_looked_at(shop, _slow_enough):
    recipient("ada")
    load_shedding.forget()
    with table_locked("delivery_delivery"):
        took, codes = [], []
        for priority in ("low", "low", "normal", "high", "normal", "low"):
            begun = time.monotonic()
            answer = shop.http.post("/v1/notifications", body(priority), format="json")
            took.append(time.monotonic() - begun)
            codes.append(answer.status_code)
            time.sleep(0.2)
    assert codes[0] == 202 and codes[-1] == 503, "it takes a moment to be seen"
    assert codes[3] == 202, "high priority is never refused"
    assert max(took) < 8.0, "nobody waits for what is slow: the lock would be given up after 10 s"
    until(lambda: statuses(shop) == [202, 202, 202])


@contextmanager
def connections_taken(number):
    """Use so many of the pool's connections."""
    taken, release = threading.Semaphore(0), threading.Event()

    def take():
        connection.ensure_connection()
        taken.release()
        release.wait(PATIENCE)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(number)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert taken.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        release.set()
        for thread in threads:
            thread.join()


def test_a_pool_without_connections_turns_low_away_and_leaves_the_rest_to_others(shop, settings):
    settings.OVERLOAD_DATABASE = {"low": 1.5, "normal": 30.0}
    recipient("ada")  # on this thread's own connection

    def status(priority):
        return shop.http.post("/v1/notifications", body(priority), format="json").status_code

    with connections_taken(settings.DATABASE_POOL - 1):
        assert statuses(shop, measured=False) == [202, 202, 202], "it takes a moment to be seen"
        until(lambda: status("low") == 503)
        assert [status("normal"), status("high")] == [202, 202]
    until(lambda: statuses(shop) == [202, 202, 202])


def test_readiness_says_nothing_of_it_and_metrics_do(shop):
    recipient("ada")
    waiting(shop, "normal", 7300)
    assert statuses(shop) == [202, 503, 503]
    assert shop.http.get("/readyz").status_code == 200
    said = shop.http.get("/metrics").content.decode()
    assert 'notifier_overload{channel="inbox",priority="low"} 1.0' in said
    assert 'notifier_overload{channel="inbox",priority="normal"} 1.0' in said
    assert 'notifier_overload_refused_total{because="backlog",priority="low"}' in said
