"""Databases, brokers and workers that fail in the middle of a step."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from dj_db_conn_pool.core import pool_container
from django.db import OperationalError, ProgrammingError, connection
from django.utils import timezone

from apps.delivery import state as delivery_state
from apps.delivery import tasks
from apps.delivery.fanout import chunking
from apps.delivery.models import Attempt, Chunk, Claim, Delivery
from apps.delivery.outbox import claims, doorbells
from apps.delivery.outbox.leases import LeaseKeeper
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import notifications, process
from notifier.domain.outcomes import Accepted, Reason, Retry
from notifier.domain.states import DeliveryState
from stack.supervision.process import PATIENCE
from tests.support.deliveries.workers import (
    begin,
    claim,
    in_thread,
    lose_claims,
    result,
    send_and_die,
)
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient, subscribe
from tests.support.waiting import somebody_waits, until

HELLO = {"body": "Hello"}


@pytest.fixture
def provider(settings, monkeypatch):
    """A scripted provider of the inbox."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])
    return Scripted


def notify(shop, *user_ids):
    for user_id in user_ids:
        recipient(user_id)
    body = {"user_ids": user_ids, "channels": ["inbox"], "content": HELLO}
    return shop.post("notifications", body)


def test_a_cancel_waits_for_a_claim_that_is_being_written_and_is_answered(
    shop, work, provider, monkeypatch
):
    posted = notify(shop, "ada")
    claiming, written, cancelled = threading.Event(), threading.Event(), threading.Event()
    read, opened = notifications.read, claims.open

    def slow(*args):
        claiming.set()
        until(lambda: cancelled.is_set() or somebody_waits())  # the cancel, for this claim
        return read(*args)

    def and_say_so(*args):
        found = opened(*args)
        written.set()
        return found

    monkeypatch.setattr(notifications, "read", slow)
    monkeypatch.setattr(claims, "open", and_say_so)
    claimed = in_thread(begin)
    assert claiming.wait(5)
    answer = shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    cancelled.set()
    assert answer["cancelled_at"]
    assert written.is_set(), "the cancel was answered before it was known what was claimed"
    answered = len(provider.calls)
    claimed.join()
    work()
    [(state, number)] = shop.counts(posted)["inbox"].items()
    assert number == 1 and state == ("delivered" if provider.calls else "cancelled")
    assert len(provider.calls) == answered, "it was sent after the cancel was answered"


def test_the_lease_keeper_outlives_an_exhausted_pool(shop, settings):
    settings.LEASE_SECONDS = 0.6
    notify(shop, "ada")
    claim_id = claim().id
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
    keeper.hold(claim_id)
    time.sleep(1)
    for one in taken:
        one.close()
    pool._timeout = original
    until(lambda: Claim.objects.get(pk=claim_id).lease_until > datetime.now(UTC))
    assert keeper.is_alive()
    keeper.release(claim_id)
    until(lambda: Claim.objects.get(pk=claim_id).lease_until < datetime.now(UTC))  # it is let go
    keeper.stop()


def test_a_database_that_fails_for_a_moment_does_not_make_us_send_twice(
    shop, work, provider, monkeypatch
):
    posted = notify(shop, "ada", "bob")
    record, failed = delivery_state.record, []

    def fail_once(*args, **options):
        if not failed:
            failed.append(args)
            raise OperationalError("deadlock detected")
        return record(*args, **options)

    monkeypatch.setattr(delivery_state, "record", fail_once)
    work()
    assert failed and len(provider.calls) == 2
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}


def test_nothing_is_claimed_while_nothing_can_be_recorded(shop, work, provider, monkeypatch):
    first, record = notify(shop, "ada"), delivery_state.record
    away = threading.Event()
    away.set()

    def fail(*args, **options):
        if away.is_set():
            raise OperationalError("server closed the connection")
        return record(*args, **options)

    monkeypatch.setattr(delivery_state, "record", fail)
    begin()
    until(lambda: not process.worker()._recorder.healthy.is_set())
    second = shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
    begin()
    assert len(provider.calls) == Claim.objects.count() == 1
    away.clear()
    until(lambda: process.worker()._recorder.healthy.is_set())
    work()
    assert shop.counts(first) == shop.counts(second) == {"inbox": {"delivered": 1}}
    assert len(provider.calls) == 2


def test_what_could_not_be_recorded_is_left_to_others_though_the_rest_of_its_claim_is_recorded(
    shop, work, settings, monkeypatch
):
    path = f"{InTwoBatches.__module__}.{InTwoBatches.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(InTwoBatches, "calls", [])
    monkeypatch.setattr(InTwoBatches, "lost", threading.Event())
    posted, record = notify(shop, "ada", "bob"), delivery_state.record

    def lose_first(*args, **options):
        if not InTwoBatches.lost.is_set():
            InTwoBatches.lost.set()
            raise ProgrammingError("there is no such column")
        return record(*args, **options)

    monkeypatch.setattr(delivery_state, "record", lose_first)
    begin()
    assert process.worker().join(PATIENCE)
    assert shop.counts(posted) == {"inbox": {"sending": 1, "delivered": 1}}
    lose_claims()
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}
    assert len(InTwoBatches.calls) == 3


class InTwoBatches(Scripted):
    """Answers for bob once what it answered for others is lost."""

    lost = threading.Event()

    async def send(self, message):
        if message.user_id == "bob":
            await asyncio.to_thread(self.lost.wait, PATIENCE)
        return await super().send(message)


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
    claimed = 0
    while claim() is not None:  # and there the worker dies
        claimed += 1
        lose_claims()
    assert claimed == 3
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("unknown", "worker_lost")
    assert [a["reason"] for a in row["attempts"]] == ["worker_lost"] * 3
    assert not Claim.objects.exists()


def test_a_worker_that_lost_its_claim_stops_sending_it(shop, settings, monkeypatch):
    settings.PROVIDERS = {
        "inbox": {
            "class": f"{Slow.__module__}.{Slow.__qualname__}",
            "channel": "inbox",
            "options": {"concurrency": 1},
        }
    }
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Slow, "calls", [])
    posted = notify(shop, *(f"u{n}" for n in range(30)))
    begin()
    until(lambda: Slow.calls)
    lose_claims()  # others may have it now
    sent = len(Slow.calls)
    assert process.worker().join(20)
    assert len(Slow.calls) <= sent + 6 < 30, "a look and a record later it knows"
    rows = Delivery.objects.filter(notification=posted["id"])
    assert set(rows.values_list("reason", flat=True)) == {"worker_lost"}, "it wrote nothing"


class Slow(Scripted):
    """One message after the other, each taking its time."""

    async def send(self, message):
        await asyncio.sleep(0.25)
        return await super().send(message)


def test_what_waits_for_a_later_attempt_is_not_sent_with_a_dead_workers_claim(shop, work, provider):
    posted = notify(shop, "ada", "bob")
    claimed = claim()
    later = datetime.now(UTC) + timedelta(hours=1)
    waits = result(
        claimed,
        claimed.deliveries[0],
        DeliveryState.RETRYING,
        reason="rate_limited",
        next_attempt_at=later.timestamp(),
        outcome="retry",
        status=429,
    )
    delivery_state.record([waits])  # and then the worker dies
    lose_claims()
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1, "retrying": 1}}
    assert len(provider.calls) == 1


def test_what_was_sent_and_not_recorded_is_sent_again_and_says_so(
    shop, work, provider, monkeypatch
):
    posted = notify(shop, "ada")
    send_and_die(monkeypatch, "inbox")
    assert shop.counts(posted) == {"inbox": {"sending": 1}}
    lose_claims()
    work()
    assert len(provider.calls) == 2
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert [a.outcome for a in Attempt.objects.order_by("number")] == ["unknown", "accepted"]


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


def test_no_connection_is_held_while_doorbells_are_rung(shop, monkeypatch):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    shop.post("topics/news/publish", {"content": HELLO})
    held = []
    monkeypatch.setattr(doorbells, "ring", lambda queues: held.append(connection.connection))
    chunking.fan_out("normal")
    assert held and not any(held)


def test_a_worker_that_finds_the_database_gone_leaves_its_work_to_others(
    shop, work, provider, monkeypatch
):
    posted = notify(shop, "ada")

    def gone(*args):
        raise OperationalError("server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(claims, "open", gone)
        with pytest.raises(OperationalError):
            tasks.DOORBELLS[Queue("inbox", "normal")].apply(throw=True)
    assert Chunk.objects.get().state == "queued"
    assert not Delivery.objects.exists() and not Claim.objects.exists()
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_a_worker_that_attends_to_a_queue_outlives_a_database_that_is_away(
    shop, provider, monkeypatch
):
    posted = notify(shop, "ada")
    failed, opened = [], claims.open

    def gone(*args):
        if len(failed) < 2:
            failed.append(timezone.now())
            raise OperationalError("server closed the connection")
        return opened(*args)

    monkeypatch.setattr(claims, "open", gone)
    process.attend([Queue("inbox", "normal")])
    until(lambda: shop.counts(posted) == {"inbox": {"delivered": 1}})
    assert len(failed) == 2


@pytest.mark.parametrize(
    "bug",
    [
        "apps.delivery.sending.cancellation.CancellationWatcher.watch",
        "apps.delivery.sending.unsubscribe_links.Footers",
        "apps.delivery.sending.runtime.event_loop",
    ],
)
def test_a_claim_that_cannot_be_begun_is_left_to_others(
    shop, work, settings, provider, monkeypatch, bug
):
    def fail(*args):
        raise RuntimeError("a bug")

    settings.LEASE_SECONDS = 0.6
    posted = notify(shop, "ada")
    with monkeypatch.context() as patch:
        patch.setattr(bug, fail)
        with pytest.raises(RuntimeError, match="a bug"):
            begin()
    assert process.worker().join(0)
    assert process.worker().capacity.taken == 0
    until(lambda: Claim.objects.get().lease_until < datetime.now(UTC))  # nobody renews it
    lose_claims()
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert len(provider.calls) == 1
