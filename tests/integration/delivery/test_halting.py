"""What waits in a worker for its turn is not sent once it was cancelled, expired or paused."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection

from apps.delivery import halting, provider_switches, tasks, wiring
from apps.delivery.halting import Lookout
from apps.delivery.models import Attempt, Chunk, Delivery, Notification
from notifier.halt import Halt
from notifier.messages import Message
from notifier.outcomes import Accepted, Outcome, Reason, Unknown
from notifier.providers.base import Provider
from stack.process import PATIENCE
from tests.integration.delivery.conftest import recipient, subscribe
from tests.integration.delivery.test_overload import locked

HELLO = {"body": "Hello", "title": "Hello"}
PEOPLE = 10
TAKES = 0.1


class Slow(Provider):
    """Takes one message at a time."""

    calls: list[float] = []

    def __init__(self, name: str) -> None:
        super().__init__(name, concurrency=1)

    async def send(self, message: Message) -> Outcome:
        self.calls.append(time.time())
        await asyncio.sleep(TAKES)
        return Accepted("id")


@pytest.fixture
def under_way(shop, settings, monkeypatch):
    """Publishes to so many; a worker is sending the first of them when it returns."""
    settings.PROVIDERS = {"slow": {"class": f"{__name__}.Slow", "channel": "sms"}}
    monkeypatch.setattr(halting, "EVERY", 0.1)
    Slow.calls = []
    topic = shop.topic()
    for number in range(PEOPLE):
        subscribe(topic, recipient(f"p{number}", sms=f"+43660123456{number:02d}"), "sms")
    worker = threading.Thread(target=_deliver)

    def publish(**fields):
        posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["sms"], **fields})
        tasks.fan_out.apply(args=[Chunk.objects.get().pk], throw=True)
        worker.start()
        soon(lambda: Slow.calls)
        return posted

    yield publish
    worker.join()


def soon(what):
    """What it returns, once that is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def _deliver():
    tasks.deliver.apply(args=[Chunk.objects.get(kind="range").pk], throw=True)
    connection.close()


def settled(shop, posted):
    found = shop.counts(posted)["sms"]
    return None if "sending" in found else found


def ended(shop, posted, state):
    """The counts, once nothing is being sent."""
    found = soon(lambda: settled(shop, posted))
    assert found.get(state), found
    assert found.get("accepted", 0) == len(Slow.calls) == Attempt.objects.count() < PEOPLE
    assert sum(found.values()) == PEOPLE
    return found


def test_nothing_is_sent_after_a_cancel_was_answered(shop, under_way):
    posted = under_way()
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    answered = time.time()
    ended(shop, posted, "cancelled")
    assert [at for at in Slow.calls if at > answered] == []


def test_nothing_is_sent_after_its_expiry(shop, under_way):
    expiry = datetime.now(UTC) + timedelta(seconds=0.6)
    posted = under_way(expires_at=expiry.isoformat())
    assert soon(lambda: settled(shop, posted))["expired"] > 0
    assert all(at < expiry.timestamp() for at in Slow.calls)


@pytest.mark.parametrize("what", ["topic", "provider"])
def test_what_is_paused_while_it_is_sent_is_held_and_goes_on(shop, under_way, swept, what):
    posted = under_way()
    if what == "topic":
        shop.http.patch("/v1/topics/news", {"paused": True}, format="json")
    else:
        provider_switches.pause("slow")
    ended(shop, posted, "retrying")
    rows = shop.get(f"notifications/{posted['id']}/deliveries", state="retrying")["data"]
    assert {row["reason"] for row in rows} == {f"{what}_paused"}
    if what == "topic":
        shop.http.patch("/v1/topics/news", {"paused": False}, format="json")
    else:
        provider_switches.resume("slow")
    swept()
    assert shop.counts(posted) == {"sms": {"accepted": PEOPLE}}
    assert Attempt.objects.count() == PEOPLE


def looking(monkeypatch):
    """A lookout of this test's own, since one that released goes on doing so."""
    lookout = Lookout()
    monkeypatch.setattr(wiring, "lookout", lambda: lookout)
    lookout.start()
    return lookout


def test_what_a_stopping_worker_has_not_begun_to_send_is_given_back(
    shop, under_way, swept, monkeypatch
):
    lookout = looking(monkeypatch)
    posted = under_way()
    lookout.release()
    ended(shop, posted, "retrying")
    rows = shop.get(f"notifications/{posted['id']}/deliveries", state="retrying")["data"]
    assert {row["reason"] for row in rows} == {"released"}
    looking(monkeypatch)
    swept()
    assert shop.counts(posted) == {"sms": {"accepted": PEOPLE}}


def test_a_worker_that_stops_while_it_looks_gives_back_all_the_same(shop, monkeypatch):
    """The look that is under way finds nothing to stop, and must not undo it."""
    halt, lookout = Halt(), looking(monkeypatch)
    with locked("delivery_notification"):
        lookout.watch({str(uuid4()): halt})
        soon(waiting_for_a_lock)
        lookout.release()
    lookout.join(PATIENCE)
    assert halt.all and halt.all.reason is Reason.RELEASED


def waiting_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("late", ["cancelled", "expired"])
def test_what_waits_in_a_worker_after_an_unanswered_attempt_ends_unknown(
    shop, settings, monkeypatch, late
):
    settings.PROVIDERS = {"slow": {"class": f"{__name__}.Slow", "channel": "sms"}}
    monkeypatch.setattr(halting, "EVERY", 0.1)
    Slow.calls = []
    people = [f"p{number}" for number in range(PEOPLE)]
    for number, name in enumerate(people):
        recipient(name, sms=f"+43660123456{number:02d}")

    async def unanswered(self, message):
        return Unknown()

    with monkeypatch.context() as patch:
        patch.setattr(Slow, "send", unanswered)
        posted = shop.post(
            "notifications",
            {"user_ids": people, "content": HELLO, "channels": ["sms"], "priority": "high"},
        )
        tasks.deliver.apply(args=[Chunk.objects.get().pk], throw=True)
    assert shop.counts(posted) == {"sms": {"retrying": PEOPLE}}
    if late == "expired":
        expiry = datetime.now(UTC) + timedelta(seconds=0.6)
        Notification.objects.update(expires_at=expiry)
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    tasks.sweep.apply(throw=True)

    def again():
        tasks.deliver.apply(args=[Chunk.objects.get(kind="retry").pk], throw=True)
        connection.close()

    worker = threading.Thread(target=again)
    worker.start()
    soon(lambda: Slow.calls)
    if late == "cancelled":
        shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    worker.join()
    sent = len(Slow.calls)
    assert 0 < sent < PEOPLE
    assert shop.counts(posted) == {"sms": {"accepted": sent, "unknown": PEOPLE - sent}}
