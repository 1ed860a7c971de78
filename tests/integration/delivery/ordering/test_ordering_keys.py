"""Ordering keys: what waits, what goes next, and that nothing waits without one."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from apps.delivery import state, tasks
from apps.delivery.maintenance import retention
from apps.delivery.models import Chunk, ChunkTurn, Delivery, Turn
from apps.delivery.outbox import doorbells
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending.worker import Worker
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.domain.states import DeliveryState
from tests.support.deliveries.engine import work_once
from tests.support.deliveries.ordered_messages import OrderRecorder, notify
from tests.support.deliveries.workers import (
    PATIENCE,
    claim,
    cut,
    in_thread,
    lose_claims,
    only,
    send_and_die,
)
from tests.support.publishers.people import recipient, subscribe

BUSY = Retry(Reason.RATE_LIMITED, 429)


def test_the_next_waits_until_the_one_before_it_has_gone(shop, work, provider, refusing):
    recipient("ada")
    refusing(one=BUSY)
    first, second = (notify(shop, says, "ada") for says in ("one", "two"))
    work()
    assert shop.counts(second) == {"inbox": {"retrying": 1}}
    [waiting] = shop.get(f"notifications/{second['id']}/deliveries")["data"]
    assert (waiting["reason"], waiting["attempts"]) == ("in_order", [])
    refusing()
    Delivery.objects.filter(notification=first["id"]).update(next_attempt_at="2020-01-01T00:00:00Z")
    tasks.sweep.apply(throw=True)
    work()
    assert provider.taken == [("ada", "one"), ("ada", "two")]
    assert not Turn.objects.exists() and not ChunkTurn.objects.exists()


def test_nobody_waits_for_what_is_for_somebody_else(shop, work, provider, refusing):
    recipient("ada")
    recipient("bob")
    refusing(one=BUSY)
    notify(shop, "one", "ada")
    notify(shop, "two", "ada", "bob")
    work()
    assert provider.taken == [("bob", "two")]


def test_another_key_another_publisher_and_no_key_wait_for_nothing(
    shop, other_shop, work, provider, refusing
):
    recipient("ada")
    refusing(one=BUSY)
    notify(shop, "one", "ada")
    notify(shop, "other key", "ada", key="order-8")
    notify(shop, "no key", "ada", key="")
    notify(other_shop, "other publisher", "ada")
    work()
    assert {says for _, says in provider.taken} == {"other key", "no key", "other publisher"}
    assert Turn.objects.count() == 1


def test_a_dead_letter_lets_the_next_one_go_and_is_redriven_out_of_order(
    shop, work, provider, refusing
):
    recipient("ada")
    refusing(one=Refused(Reason.AUTHENTICATION, 401))
    for says in ("one", "two", "three"):
        notify(shop, says, "ada")
    work()
    assert [says for _, says in provider.taken] == ["two", "three"]
    refusing()
    shop.post("dead-letters/redrive", {"match": {}}, status=200)
    tasks.sweep.apply(throw=True)
    work()
    assert [says for _, says in provider.taken] == ["two", "three", "one"]


def test_a_chunk_that_comes_too_early_waits_for_those_before_it(shop, work, provider):
    recipient("ada")
    posted = [notify(shop, says, "ada") for says in ("one", "two", "three")]
    one, two, three = (Chunk.objects.get(notification=row["id"]) for row in posted)
    with only(three, two):
        work_once()
    assert not Delivery.objects.exists()
    claim()  # calls the second, and here the worker dies
    assert not Chunk.objects.filter(pk=one.pk).exists()
    two.refresh_from_db()
    three.refresh_from_db()
    assert (two.state, three.state) == ("queued", "queued")
    assert (two.reason, three.reason) == ("", "in_order")
    assert two.ready_at <= timezone.now() < three.ready_at
    for _ in range(2):
        work_once()  # the second calls the third; both wait for the first's delivery
    assert provider.taken == []
    lose_claims()
    work()
    assert [says for _, says in provider.taken] == ["one", "two", "three"]


def test_a_topic_still_to_be_cut_is_waited_for(shop, work, provider, settings):
    settings.CHUNK_SIZE = 1
    news = shop.topic()
    for name in ("ada", "bob"):
        subscribe(news, recipient(name), "inbox")
    publish = {"channels": ["inbox"], "ordering_key": "order-7"}
    shop.post("topics/news/publish", {**publish, "content": {"body": "one"}})
    posted = notify(shop, "two", "ada")
    named = Chunk.objects.get(notification=posted["id"])
    with only(named):
        work_once()
    cut()
    adas, _ = Chunk.objects.filter(kind="range").order_by("low_id")
    Chunk.objects.filter(pk=named.pk).update(ready_at=timezone.now())
    with only(adas, named):
        work_once()
    assert [says for _, says in provider.taken] == ["one"], "bob's chunk is not made yet"
    work()
    assert provider.taken == [("ada", "one"), ("bob", "one"), ("ada", "two")]


def test_what_is_cancelled_lets_the_next_one_go(shop, work, provider, refusing):
    recipient("ada")
    refusing(one=BUSY)
    first, second, _ = (notify(shop, says, "ada") for says in ("one", "two", "three"))
    work()
    shop.post(f"notifications/{second['id']}/cancel", None, status=200)
    shop.post(f"notifications/{first['id']}/cancel", None, status=200)
    work()
    assert provider.taken == [("ada", "three")]


def test_what_is_cancelled_before_anybody_had_it_lets_the_next_one_go(shop, work, provider):
    recipient("ada")
    first, second = (notify(shop, says, "ada") for says in ("one", "two"))
    with only(Chunk.objects.get(notification=second["id"])):
        work_once()
    shop.post(f"notifications/{first['id']}/cancel", None, status=200)
    work()
    assert provider.taken == [("ada", "two")]


def test_what_expired_and_what_is_not_sent_lets_the_next_one_go(shop, work, provider):
    recipient("ada")
    news = shop.topic()
    notify(shop, "one", "ada", expires_at="2099-01-01T00:00:00Z")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_notification SET expires_at = now()")
    subscribe(news, recipient("bob"), "inbox")
    shop.post(
        "topics/news/publish",
        {"channels": ["inbox"], "ordering_key": "order-7", "content": {"body": "two"}},
    )
    notify(shop, "three", "ada", "bob")
    work()
    assert provider.taken == [("bob", "two"), ("ada", "three"), ("bob", "three")]


def test_what_a_lost_worker_was_sending_goes_before_the_next(shop, work, provider, monkeypatch):
    recipient("ada")
    notify(shop, "one", "ada")
    send_and_die(monkeypatch, "inbox")
    notify(shop, "two", "ada")
    work_once()
    assert provider.taken == [("ada", "one")]
    lose_claims()
    work()
    assert [says for _, says in provider.taken] == ["one", "one", "two"], "once is a duplicate"


def test_what_a_lost_worker_tried_for_the_last_time_lets_the_next_one_go(
    shop, work, provider, settings, monkeypatch
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": ()}
    recipient("ada")
    first = notify(shop, "one", "ada")
    send_and_die(monkeypatch, "inbox")
    notify(shop, "two", "ada")
    lose_claims()
    work()
    assert shop.counts(first) == {"inbox": {"unknown": 1}}
    assert provider.taken == [("ada", "one"), ("ada", "two")]


def test_the_next_one_is_rung_for_when_it_may_go(shop, work, provider, refusing, monkeypatch):
    recipient("ada")
    refusing(one=BUSY)
    first, _ = (notify(shop, says, "ada") for says in ("one", "two"))
    work()
    rung = []
    monkeypatch.setattr(doorbells, "ring", rung.extend)
    state.cancel(first["id"])
    assert rung == [Queue("inbox", "normal")]


@pytest.mark.parametrize("claim_size", [1, 3, 1000])
def test_a_batch_is_in_its_own_order_and_send_at_has_none(
    shop, work, provider, settings, execute, claim_size
):
    """The number in one claim and the order of claiming make no difference."""
    settings.CHUNK_SIZE = claim_size
    recipient("ada")
    items = [
        {
            "user_id": "ada",
            "channels": ["inbox"],
            "content": {"body": str(number)},
            "ordering_key": "order-7",
        }
        for number in range(8)
    ]
    shop.post("notifications/batch", {"notifications": items})
    execute("UPDATE delivery_chunk SET ready_at = now() - id * interval '1 millisecond'")
    work()
    assert [says for _, says in provider.taken] == [str(number) for number in range(8)]
    problem = notify(shop, "later", "ada", send_at="2099-01-01T00:00:00Z", status=400)
    assert problem["errors"][0]["pointer"] == "/send_at"


@pytest.mark.parametrize("claim_size", [3, 10, 1000])
def test_many_workers_and_failures_keep_everybodys_order(
    shop, provider, monkeypatch, settings, claim_size
):
    people, rounds = ["ada", "bob", "eve"], 12
    settings.CHUNK_SIZE = claim_size
    for name in people:
        recipient(name)
    failed: set[str] = set()

    def sometimes(message):
        # Each third message fails on its first attempt, and one for good.
        if message.content.body == "4":
            return Refused(Reason.AUTHENTICATION, 401)
        if int(message.content.body) % 3 == 0 and message.id not in failed:
            failed.add(message.id)
            return Retry(Reason.PROVIDER_ERROR, 500)
        return Accepted(delivered=True)

    monkeypatch.setattr(OrderRecorder, "answer", staticmethod(sometimes))
    posted = [notify(shop, str(number), *people) for number in range(rounds)]

    def work_on():
        worker = Worker()
        while not done.is_set():
            worker.empty(Queue("inbox", "normal"))
            Delivery.objects.filter(
                state="retrying", reason=Reason.PROVIDER_ERROR, next_attempt_at__isnull=False
            ).update(next_attempt_at="2020-01-01T00:00:00Z")
            tasks.sweep.apply(throw=True)
        worker.close(PATIENCE)

    done = threading.Event()
    workers = [in_thread(work_on) for _ in range(4)]
    try:
        for _ in range(300):
            if all(shop.get(f"notifications/{row['id']}")["state"] == "done" for row in posted):
                break
            done.wait(0.05)
    finally:
        done.set()
        for thread in workers:
            thread.join()
    assert not Delivery.objects.filter(state=DeliveryState.RETRYING).exists()
    order = [str(number) for number in range(rounds) if number != 4]
    for name in people:
        assert [says for who, says in provider.taken if who == name] == order
    assert not Turn.objects.exists() and not ChunkTurn.objects.exists()


def test_a_place_whose_delivery_is_gone_holds_nobody_up_for_ever(shop, work, provider, execute):
    recipient("ada")
    notify(shop, "one", "ada")
    work()
    execute(
        "INSERT INTO delivery_turn SELECT id, 1, 1, 1 FROM delivery_delivery;"
        "INSERT INTO delivery_turn VALUES (999999, 1, 1, 1);"
        "INSERT INTO delivery_chunkturn (chunk_id, line, position) "
        "SELECT id, 1, 1 FROM delivery_chunk"
    )
    retention.purge()
    assert not Turn.objects.exists() and not ChunkTurn.objects.exists()
