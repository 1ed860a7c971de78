"""Chunks with leases of their own, which workers of the version before left."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from apps.delivery import tasks
from apps.delivery.models import Attempt, Chunk, Claim, Delivery
from tests.support.deliveries.workers import claim, cut
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient, subscribe

HELLO = {"body": "Hello"}
OVER, RUNS = timedelta(seconds=-1), timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("scripted_inbox")


def posted_to(shop, kind, *names):
    """A notification as a named or a range chunk of the usual priority."""
    people = [recipient(name) for name in names]
    if kind == "named":
        body = {"user_ids": names, "channels": ["inbox"], "content": HELLO}
        return shop.post("notifications", body)
    topic = shop.topic()
    for person in people:
        subscribe(topic, person, "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    cut()
    return posted


def as_before(kind, state, lease):
    """Claim as that version did: the chunk stays, with a fence, and its deliveries name it."""
    before = Chunk.objects.get(kind=kind)
    fields = {
        field.attname: getattr(before, field.attname)
        for field in Chunk._meta.fields
        if field.attname not in ("id", "state", "fence", "due_at")
    }
    assert claim() is not None
    Claim.objects.all().delete()
    Chunk.objects.filter(kind=kind).delete()
    chunk = Chunk.objects.create(**fields, state=state, fence=1, due_at=Now() + lease)
    Delivery.objects.update(claim_id=chunk.pk)
    return chunk


@pytest.mark.parametrize("kind", ["named", "range"])
def test_what_a_lost_worker_of_before_was_sending_is_sent_by_the_next(shop, work, kind):
    posted = posted_to(shop, kind, "ada", "bob")
    chunk = as_before(kind, "running", OVER)
    assert shop.counts(posted) == {"inbox": {"sending": 2}}
    tasks.sweep.apply(throw=True)
    chunk.refresh_from_db()
    assert chunk.state == "done"
    assert shop.counts(posted) == {"inbox": {"retrying": 2}}
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}
    said = Attempt.objects.order_by("delivery_id", "number").values_list("outcome", "reason")
    assert list(said) == [("unknown", "worker_lost"), ("accepted", "")] * 2
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


@pytest.mark.parametrize("kind", ["named", "range"])
def test_what_a_worker_of_before_still_sends_is_left_to_it(shop, work, kind):
    posted = posted_to(shop, kind, "ada")
    chunk = as_before(kind, "running", RUNS)
    tasks.sweep.apply(throw=True)
    work()
    chunk.refresh_from_db()
    assert chunk.state == "running"
    assert shop.counts(posted) == {"inbox": {"sending": 1}}
    assert Scripted.calls == []


@pytest.mark.parametrize("kind", ["named", "range"])
def test_a_chunk_that_the_sweeper_of_before_had_put_back_is_claimed(shop, work, kind):
    posted = posted_to(shop, kind, "ada", "bob")
    as_before(kind, "queued", OVER)
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}
    assert Delivery.objects.count() == len(Scripted.calls) == 2
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"
    assert [a.outcome for a in Attempt.objects.all()].count("unknown") == 2


@pytest.mark.parametrize(("state", "lease"), [("queued", RUNS), ("queued", OVER)])
def test_retries_that_wait_in_a_chunk_of_their_own_are_due(shop, work, state, lease):
    posted = posted_to(shop, "named", "ada", "bob")
    chunk = as_before("named", state, lease)
    Chunk.objects.filter(pk=chunk.pk).update(
        kind="retry",
        notification=None,
        publisher_id=0,  # which processes of before do not write
        recipient_ids=None,
        fence=0,
        ready_at=Now(),
    )
    Delivery.objects.update(state="retrying", attempts=1, next_attempt_at=None)
    work()
    assert Scripted.calls == [], "their time is not written down anywhere"
    if lease is OVER:
        tasks.sweep.apply(throw=True)
        chunk.refresh_from_db()
        assert chunk.state == "done"
        work()
        assert Delivery.objects.filter(state="delivered", attempts=2).count() == 2
        assert len(Scripted.calls) == 2
        assert posted["id"]


def test_retries_that_a_lost_worker_of_before_was_sending_are_sent_again(shop, work):
    posted_to(shop, "named", "ada", "bob")
    chunk = as_before("named", "running", OVER)
    Chunk.objects.filter(pk=chunk.pk).update(kind="retry", notification=None, recipient_ids=None)
    Delivery.objects.update(attempts=1)
    tasks.sweep.apply(throw=True)
    work()
    assert Delivery.objects.filter(state="delivered", attempts=3).count() == 2
    assert len(Scripted.calls) == 2


def test_an_audience_that_a_lost_worker_of_before_was_cutting_is_cut_to_its_end(shop, work):
    topic = shop.topic()
    for name in ("ada", "bob"):
        subscribe(topic, recipient(name), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    Chunk.objects.update(state="running", fence=1, due_at=Now() + OVER)
    tasks.sweep.apply(throw=True)
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}


def test_a_cancel_reaches_what_workers_of_before_left_behind(shop, work, monkeypatch):
    monkeypatch.setattr("apps.delivery.sending.cancellation.PATIENCE", 0.1)
    posted = posted_to(shop, "named", "ada")
    as_before("named", "running", OVER)
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    tasks.sweep.apply(throw=True)
    work()
    assert Scripted.calls == []
    assert shop.counts(posted) == {"inbox": {"unknown": 1}}, "it may have been sent before"
