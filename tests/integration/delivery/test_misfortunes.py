"""What goes wrong between two lines of code: databases, brokers and workers that fail midway."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from dj_db_conn_pool.core import pool_container
from django.db import OperationalError, connection

from apps.delivery import chunks, deliver, enqueue, fan_out, tasks, transitions
from apps.delivery.enqueue import Ticket
from apps.delivery.leases import LeaseKeeper
from apps.delivery.models import Chunk
from notifier.outcomes import Accepted, Reason, Retry
from notifier.states import DeliveryState
from stack.process import PATIENCE
from tests.integration.delivery.conftest import recipient, subscribe
from tests.integration.delivery.scripted import Scripted
from tests.waiting import until

HELLO = {"body": "Hello"}


@pytest.fixture
def provider(settings, monkeypatch):
    """The inbox, played by a script."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    monkeypatch.setattr("apps.delivery.wiring._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])
    return Scripted


def in_thread(function):
    """Start it; join() waits for its end."""

    def run():
        try:
            function()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def notify(shop, *user_ids):
    for user_id in user_ids:
        recipient(user_id)
    body = {"user_ids": user_ids, "channels": ["inbox"], "content": HELLO}
    return shop.post("notifications", body)


def end_leases():
    Chunk.objects.filter(state="running").update(due_at=datetime.now(UTC) - timedelta(seconds=1))


def test_a_cancel_in_the_middle_of_a_claim_waits_for_it_and_is_answered(shop, work, monkeypatch):
    posted = notify(shop, "ada")
    chunk_id, claiming = Chunk.objects.get().pk, threading.Event()
    read = deliver._notifications

    def slow(chunk):
        claiming.set()
        time.sleep(0.4)
        return read(chunk)

    monkeypatch.setattr(deliver, "_notifications", slow)
    claim = in_thread(lambda: deliver.deliver(chunk_id))
    assert claiming.wait(PATIENCE)
    assert shop.post(f"notifications/{posted['id']}/cancel", None, status=200)["cancelled_at"]
    claim.join()
    work()
    assert sum(shop.counts(posted).get("inbox", {}).values()) <= 1


def test_the_lease_keeper_outlives_an_exhausted_pool(shop, settings):
    settings.LEASE_SECONDS = 0.6
    chunk_id = Chunk.objects.get(notification=notify(shop, "ada")["id"]).pk
    chunk = chunks.claim(chunk_id)
    connection.ensure_connection()
    pool, taken = pool_container.get("default"), []
    original, pool._timeout = pool._timeout, 0.3
    try:
        while True:
            taken.append(pool.connect())
    except Exception:
        pass  # it is empty now
    keeper = LeaseKeeper()
    keeper.start()
    keeper.hold(chunk)
    time.sleep(1)
    for one in taken:
        one.close()
    pool._timeout = original
    until(lambda: Chunk.objects.get(pk=chunk_id).due_at > datetime.now(UTC))
    assert keeper.is_alive()
    keeper.release(chunk)


def test_a_database_that_fails_for_a_moment_does_not_make_us_send_twice(
    shop, provider, monkeypatch
):
    posted = notify(shop, "ada", "bob")
    finish, failed = chunks.finish, []

    def fail_once(chunk):
        if not failed:
            failed.append(chunk)
            raise OperationalError("deadlock detected")
        return finish(chunk)

    monkeypatch.setattr(chunks, "finish", fail_once)
    deliver.deliver(Chunk.objects.get().pk)
    assert failed and len(provider.calls) == 2
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}


@pytest.mark.parametrize("odd", ["m" * 500, "a\0b"])
def test_an_odd_message_id_costs_nobody_anything(shop, work, provider, monkeypatch, odd):
    monkeypatch.setattr(provider, "answer", lambda message: Accepted(odd, delivered=True))
    posted = notify(shop, "ada", "bob")
    work()
    assert len(provider.calls) == 2
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}


def test_a_message_that_kills_every_worker_is_given_up_as_unknown(shop, settings, provider):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": (1.0, 1.0)}
    posted = notify(shop, "ada")
    chunk_id = Chunk.objects.get().pk
    claims = 0
    while True:
        _, claimed, _ = deliver._claim(chunk_id)  # and here the worker dies
        if not claimed:
            break
        claims += 1
        end_leases()
    assert claims == 3
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("unknown", "worker_lost")
    assert [a["reason"] for a in row["attempts"]] == ["worker_lost"] * 3


def test_a_worker_that_lost_its_chunk_stops_sending_it(shop, settings, monkeypatch):
    settings.PROVIDERS = {
        "inbox": {
            "class": f"{Slow.__module__}.{Slow.__qualname__}",
            "channel": "inbox",
            "options": {"concurrency": 1},
        }
    }
    monkeypatch.setattr("apps.delivery.wiring._own", dict)
    monkeypatch.setattr("apps.delivery.engine.HAND_OVER_SECONDS", 0.3)
    monkeypatch.setattr(Slow, "calls", [])
    notify(shop, *(f"u{n}" for n in range(10)))
    chunk_id = Chunk.objects.get().pk
    worker = in_thread(lambda: deliver.deliver(chunk_id))
    while not Slow.calls:
        assert worker.is_alive()
        time.sleep(0.01)
    Chunk.objects.update(fence=99)  # another has it now
    worker.join()
    sent = len(Slow.calls)
    time.sleep(0.8)
    assert len(Slow.calls) <= sent + 1 < 10


class Slow(Scripted):
    """One message after the other, each taking its time."""

    async def send(self, message):
        import asyncio

        await asyncio.sleep(0.25)
        return await super().send(message)


def test_what_waits_for_a_later_attempt_is_not_sent_with_a_dead_workers_chunk(
    shop, work, provider, monkeypatch
):
    posted = notify(shop, "ada", "bob")
    chunk_id = Chunk.objects.get().pk
    chunk, claimed, _ = deliver._claim(chunk_id)
    later = datetime.now(UTC) + timedelta(hours=1)
    waits = transitions.Result(
        delivery_id=claimed[0].delivery_id,
        notification_id=claimed[0].notification_id,
        contact_id=claimed[0].contact_id,
        attempt=1,
        state=DeliveryState.RETRYING,
        reason="rate_limited",
        next_attempt_at=later.timestamp(),
        provider="inbox",
        provider_message_id="",
        started_at=time.time(),
        duration_ms=1,
        outcome="retry",
        status=429,
        detail="",
        disable_contact=False,
    )
    transitions.record(chunk, [waits], finish=False)  # and then the worker dies
    end_leases()
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1, "retrying": 1}}
    assert len(provider.calls) == 1


def test_a_retry_is_not_sent_to_who_left_the_topic_meanwhile(
    shop, work, wake, provider, monkeypatch
):
    topic = shop.topic()
    subscribe(topic, recipient("ada"), "inbox")
    monkeypatch.setattr(provider, "answer", lambda message: Retry(Reason.PROVIDER_ERROR))
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    shop.post("topics/news/unsubscribe", {"user_id": "ada"}, status=200)
    wake()
    work()
    assert len(provider.calls) == 1
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("suppressed", "unsubscribed")


def test_a_code_overtakes_a_batch_of_newsletters_on_its_way_to_the_broker(queue):
    mailer = enqueue._Mailer()
    mailer.start()
    mailer.offer(Ticket(-n, "named", "email", "low") for n in range(1, 3000))
    began = time.monotonic()
    mailer.offer([Ticket(-1, "named", "inbox", "high")])
    while queue.get() is None:
        assert time.monotonic() - began < 1, "it waits behind them"


def test_no_connection_is_held_while_the_broker_is_waited_for(shop, monkeypatch):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    shop.post("topics/news/publish", {"content": HELLO})
    held = []
    monkeypatch.setattr(enqueue, "now", lambda tickets: held.append(connection.connection))
    fan_out.fan_out(Chunk.objects.get().pk)
    assert held and not any(held)


def test_a_worker_that_finds_the_database_gone_leaves_its_chunk_to_the_sweeper(shop, monkeypatch):
    notify(shop, "ada")
    chunk_id = Chunk.objects.get().pk

    def gone(chunk_id):
        raise OperationalError("server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "claim", gone)
        with pytest.raises(OperationalError):
            tasks.deliver.apply(args=[chunk_id], throw=True)
    assert Chunk.objects.get().state == "queued"
