"""Claims: their leases and fences, and what happens where a worker is lost."""

import threading

import pytest
from django.db import IntegrityError

from apps.delivery import state, tasks
from apps.delivery.fanout import audience_lease, chunking
from apps.delivery.flow import breakers
from apps.delivery.maintenance import retention
from apps.delivery.models import Attempt, Chunk, Claim, Delivery
from apps.delivery.outbox import claims
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import cancellation, process
from apps.delivery.sending.worker import Worker
from apps.delivery.state import ClaimLost
from notifier.domain.states import DeliveryState
from tests.support.deliveries.workers import (
    PATIENCE,
    begin,
    claim,
    cut,
    in_thread,
    lose_claims,
    result,
)
from tests.support.publishers.people import contact, recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}


def notify(shop, user_id, *channels, **fields):
    body = {"user_id": user_id, "channels": list(channels), "content": HELLO, **fields}
    return shop.post("notifications", body)


def fans(shop, number, name="news"):
    topic = shop.topic(name)
    for n in range(number):
        subscribe(topic, recipient(f"{name}-{n}"), "inbox")
    return topic


# -- What a claim is made of ------------------------------------------------------------------


def test_a_large_audience_is_cut_into_chunks_that_cover_it_once(shop, work, settings):
    settings.CHUNK_SIZE = 3
    fans(shop, 8)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert Chunk.objects.filter(kind="range").count() == 3
    assert shop.counts(posted) == {"inbox": {"delivered": 8}}


def test_one_claim_has_deliveries_of_many_notifications_publishers_and_topics(
    shop, other_shop, work
):
    posted = [notify(shop, recipient(f"u{n}").user_id, "inbox") for n in range(3)]
    fans(shop, 2, "news")
    fans(shop, 2, "sport")
    published = [
        shop.post(f"topics/{name}/publish", {"content": HELLO, "channels": ["inbox"]})
        for name in ("news", "sport")
    ]
    others = notify(other_shop, "u0", "inbox")
    urgent = notify(shop, "u0", "inbox", priority="high")
    cut()
    one = claim()
    assert len(one.deliveries) == 3 + 4 + 1
    assert set(one.contexts) == {row["id"] for row in (*posted, *published, others)}
    assert claim() is None, "nothing of this priority is left"
    [of_urgent] = claim(priority="high").deliveries
    assert of_urgent.notification_id == urgent["id"]
    assert Claim.objects.count() == 2
    lose_claims()
    work()
    for row in (*posted, urgent):
        assert shop.counts(row) == {"inbox": {"delivered": 1}}
    assert other_shop.counts(others) == {"inbox": {"delivered": 1}}
    assert [shop.counts(row) for row in published] == [{"inbox": {"delivered": 2}}] * 2


def test_named_chunks_are_gone_once_claimed_and_cut_ones_say_how_far_the_cut_is(shop, work):
    recipient("ada")
    notify(shop, "ada", "inbox")
    fans(shop, 2)
    shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    kinds = Chunk.objects.order_by("kind").values_list("kind", "state")
    assert list(kinds) == [("range", "done"), ("whole", "done")]


def test_retries_of_many_notifications_are_claimed_together(shop, work, wake, providers):
    for n in range(4):
        recipient(f"u{n}", sms=f"+4366012345{n:02d}")
    providers.client.behave("twilio", "500", times=4)
    posted = [notify(shop, f"u{n}", "sms") for n in range(4)]
    work()
    assert [shop.counts(row) for row in posted] == [{"sms": {"retrying": 1}}] * 4
    wake()
    one = claim("sms")
    assert {item.notification_id for item in one.deliveries} == {row["id"] for row in posted}
    assert not Chunk.objects.exists(), "no chunk is made for them"
    lose_claims()
    providers.client.heal()
    breakers.close("twilio")  # four failures in a row had opened it
    work()
    assert [shop.counts(row) for row in posted] == [{"sms": {"accepted": 1}}] * 4


def test_a_claim_takes_no_more_than_there_is_capacity_for(shop):
    for n in range(6):
        notify(shop, recipient(f"u{n}").user_id, "inbox")
    assert len(claim(most=4).deliveries) == 4
    assert len(claim(most=4).deliveries) == 2
    assert claim(most=4) is None


def test_a_chunk_larger_than_a_claim_is_claimed_all_the_same(shop):
    people = [recipient(f"u{n}").user_id for n in range(6)]
    shop.post("notifications", {"user_ids": people, "channels": ["inbox"], "content": HELLO})
    assert len(claim(most=4).deliveries) == 6


def test_addresses_beyond_a_claims_budget_are_due_for_the_next(shop, providers, settings):
    """A chunk is of so many recipients, and these may have several addresses each."""
    settings.CHUNK_SIZE = 1  # for three deliveries
    topic = shop.topic()
    for n in range(2):
        person = recipient(f"u{n}", sms=f"+43660123450{n}")
        contact("sms", f"+43660123451{n}", recipient=person)
        subscribe(topic, person, "sms")
    recipient("ada", sms="+436601234529")
    notify(shop, "ada", "sms")
    shop.post("topics/news/publish", {"content": HELLO, "channels": ["sms"]})
    cut()
    assert len(claim("sms").deliveries) == 3
    assert len(claim("sms").deliveries) == 2
    assert claim("sms") is None


# -- Each delivery is one worker's ------------------------------------------------------------


def test_a_doorbell_that_rings_twice_sends_once(shop):
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    for _ in range(3):
        begin()
    assert process.worker().join(PATIENCE)
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert Attempt.objects.count() == 1


def test_workers_that_claim_at_the_same_moment_share_what_there_is(shop, settings):
    settings.CHUNK_SIZE = 5
    posted = [notify(shop, recipient(f"u{n}").user_id, "inbox") for n in range(60)]
    workers, start = [Worker() for _ in range(4)], threading.Barrier(4)

    def empty(worker):
        start.wait()
        while worker.empty(Queue("inbox", "normal")):
            pass

    threads = [in_thread(lambda worker=worker: empty(worker)) for worker in workers]
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.close(PATIENCE)
    assert [shop.counts(row) for row in posted] == [{"inbox": {"delivered": 1}}] * 60
    assert Attempt.objects.count() == 60, "nothing is sent twice"
    assert not Claim.objects.exists()


def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(shop):
    recipient("ada")
    notify(shop, "ada", "inbox")
    first = claim()
    assert claim() is None
    tasks.sweep.apply(throw=True)
    assert claim() is None, "its lease is not over"
    lose_claims()
    second = claim()
    assert [d.delivery_id for d in second.deliveries] == [d.delivery_id for d in first.deliveries]
    assert second.id != first.id


def test_the_late_writes_of_a_worker_that_lost_its_claim_are_kept_out(shop):
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    stale = claim()
    [item] = stale.deliveries
    lose_claims()
    current = claim()
    late = result(stale, item, DeliveryState.FAILED)
    with pytest.raises(ClaimLost):
        state.record([late], finished=[stale.id])
    assert state.still_claimed([late]) == []
    assert shop.counts(posted) == {"inbox": {"sending": 1}}
    ours = result(current, current.deliveries[0], DeliveryState.DELIVERED)
    state.record([ours], finished=[current.id])
    with pytest.raises(ClaimLost):
        state.record([late])
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert [a.outcome for a in Attempt.objects.order_by("number")] == ["unknown", "accepted"]


def test_a_claims_number_is_no_sequence_and_is_never_used_again(shop, execute):
    """A standby that is promoted may not know of the last numbers that a sequence gave."""
    recipient("ada")
    notify(shop, "ada", "inbox")
    first = claim()
    lose_claims()
    # As on a standby: every sequence is where it was before.
    for (name,) in execute("SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'S'"):
        if name.startswith("delivery_claim"):
            execute(f"ALTER SEQUENCE {name} RESTART")
    assert claim().id > first.id
    numbers = [claims.new_id() for _ in range(2000)]
    assert max(numbers) < 2**63
    assert len(set(numbers)) > 1990, "of those in one microsecond few are the same"


def test_a_number_that_another_claim_has_is_not_claimed_under(shop, work, monkeypatch):
    for name in ("ada", "bob"):
        recipient(name)
    notify(shop, "ada", "inbox")
    first = claim()
    posted = notify(shop, "bob", "inbox")
    with monkeypatch.context() as patch:
        patch.setattr(claims, "new_id", lambda: first.id)
        with pytest.raises(IntegrityError):
            claim()
    assert Chunk.objects.get().state == "queued"
    lose_claims()
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_what_another_released_costs_the_others_of_a_claim_nothing(shop):
    for name in ("ada", "bob"):
        recipient(name)
    body = {"user_ids": ["ada", "bob"], "channels": ["inbox"], "content": HELLO}
    posted = shop.post("notifications", body)
    one = claim()
    lost, kept = one.deliveries
    Delivery.objects.filter(pk=lost.delivery_id).update(state="retrying", reason="worker_lost")
    process.worker().send(one)
    assert process.worker().join(PATIENCE)
    assert Delivery.objects.get(pk=kept.delivery_id).state == "delivered"
    assert Delivery.objects.get(pk=lost.delivery_id).state == "retrying"
    counted = shop.counts(posted)["inbox"]
    assert counted == {"delivered": 1, "sending": 1}, "nothing is counted of what was lost"
    assert not Claim.objects.exists()


# -- Lost workers -----------------------------------------------------------------------------


def test_what_a_dead_worker_was_sending_is_sent_by_the_next(shop, work):
    fans(shop, 3)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    cut()
    assert len(claim().deliveries) == 3  # and here the worker dies
    assert shop.counts(posted) == {"inbox": {"sending": 3}}
    lose_claims()
    assert shop.counts(posted) == {"inbox": {"retrying": 3}}
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 3}}
    said = Attempt.objects.order_by("delivery_id", "number").values_list("outcome", "reason")
    assert list(said) == [("unknown", "worker_lost"), ("accepted", "")] * 3


def test_the_sweeper_releases_claims_whose_leases_ran_out_and_no_others(shop, settings):
    for name in ("ada", "bob"):
        recipient(name)
    notify(shop, "ada", "inbox")
    lost = claim()
    notify(shop, "bob", "inbox", priority="high")
    alive = claim(priority="high")
    Claim.objects.filter(pk=lost.id).update(lease_until="2020-01-01T00:00:00Z")
    settings.LEASE_SECONDS = 0.0  # the server has been up for as long
    tasks.sweep.apply(throw=True)
    assert [row.pk for row in Claim.objects.all()] == [alive.id]
    states = Delivery.objects.order_by("priority").values_list("state", "reason")
    assert list(states) == [("sending", ""), ("retrying", "worker_lost")]


def test_a_server_that_has_just_come_up_gives_workers_a_leases_time(shop, settings):
    recipient("ada")
    notify(shop, "ada", "inbox")
    claim()
    Claim.objects.update(lease_until="2020-01-01T00:00:00Z")
    settings.LEASE_SECONDS = 10_000_000.0
    tasks.sweep.apply(throw=True)
    assert Claim.objects.exists()
    assert Delivery.objects.get().state == "sending"


def test_what_was_being_sent_when_a_worker_died_is_unknown_after_a_cancel(shop, work, monkeypatch):
    monkeypatch.setattr(cancellation, "PATIENCE", 0.1)
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    claim()
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    lose_claims()
    work()
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("unknown", "worker_lost")


def test_an_interrupted_fan_out_goes_on_where_it_stopped(shop, work, settings, monkeypatch):
    settings.CHUNK_SIZE = 1
    fans(shop, 5)
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    whole = audience_lease.claim(Chunk.objects.get().pk)
    with monkeypatch.context() as patch:
        patch.setattr(chunking, "PAGE", 2)
        assert chunking._cut_page(whole, "inbox")  # and here the worker dies
    assert Chunk.objects.filter(kind="range").count() == 2
    lose_claims()
    work()
    assert Chunk.objects.filter(kind="range").count() == 5
    assert shop.counts(posted) == {"inbox": {"delivered": 5}}


def test_an_audience_is_cut_by_one_worker_until_its_lease_ends(shop, work):
    fans(shop, 2)
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    chunk_id = Chunk.objects.get().pk
    stale = audience_lease.claim(chunk_id)
    assert stale.fence == 1
    assert audience_lease.claim(chunk_id) is None
    assert not chunking.fan_out("normal")
    lose_claims()
    assert Chunk.objects.get().state == "queued"
    assert audience_lease.claim(chunk_id).fence == 2
    for late in (audience_lease.finish, audience_lease.renew):
        with pytest.raises(audience_lease.Fenced):
            late(stale)
    lose_claims()
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}


# -- What is left of them ---------------------------------------------------------------------


def test_done_chunks_and_old_keys_are_purged(shop, work, execute):
    fans(shop, 1)
    body = {"content": HELLO, "channels": ["inbox"]}
    shop.post("topics/news/publish", body, **{"Idempotency-Key": "k"})
    work()
    assert retention.purge() == 0
    execute("UPDATE delivery_idempotencykey SET created_at = now() - interval '25 hours'")
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '25 hours'")
    assert retention.purge() == 1 + 2, "the key, and the audience with what was cut from it"
    assert not Chunk.objects.exists()
