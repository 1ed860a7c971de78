"""Messages that wait in a worker are not sent once cancelled, expired or paused."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection

from apps.delivery.flow import provider_pauses
from apps.delivery.models import Attempt, Delivery, Notification
from apps.delivery.sending import cancellation, process, runtime
from apps.delivery.sending.cancellation import CancellationWatcher, Watched
from notifier.domain.cancellation import StopSignal
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Unknown
from notifier.providers.base import Provider
from stack.supervision.process import PATIENCE
from tests.support.database import break_waiting, table_locked
from tests.support.deliveries.workers import begin, claim, cut
from tests.support.publishers.people import recipient, subscribe
from tests.support.waiting import until

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
    """Publish to ``PEOPLE``, and return while a worker sends the first of the messages."""
    settings.PROVIDERS = {"slow": {"class": f"{__name__}.Slow", "channel": "sms"}}
    monkeypatch.setattr(cancellation, "EVERY", 0.1)
    Slow.calls = []
    topic = shop.topic()
    for number in range(PEOPLE):
        subscribe(topic, recipient(f"p{number}", sms=f"+43660123456{number:02d}"), "sms")

    def publish(**fields):
        posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["sms"], **fields})
        cut()
        begin("sms")
        until(lambda: Slow.calls or settled(shop, posted))
        return posted

    yield publish
    assert process.worker().join(PATIENCE)


def settled(shop, posted):
    found = shop.counts(posted)["sms"]
    return None if "sending" in found else found


def ended(shop, posted, state):
    """The counts, once nothing is being sent."""
    found = until(lambda: settled(shop, posted))
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


def test_the_answer_to_a_cancel_counts_what_a_slow_provider_was_given(shop, under_way, monkeypatch):
    answered = threading.Event()

    async def slow(self, message):
        self.calls.append(time.time())
        await asyncio.to_thread(answered.wait, PATIENCE)
        return Accepted("id")

    monkeypatch.setattr(Slow, "send", slow)
    posted = under_way()
    try:
        answer = shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    finally:
        answered.set()
    assert answer["state"] == "cancelled"
    assert answer["counts"]["sms"]["sending"] >= len(Slow.calls) == 1
    assert ended(shop, posted, "cancelled")["accepted"] == 1


def test_nothing_is_sent_after_its_expiry(shop, under_way, monkeypatch):
    for seconds in (0.6, 6, 60):  # on a busy machine the first ones expire before they are claimed
        monkeypatch.setattr(f"{__name__}.TAKES", seconds / PEOPLE * 1.6)
        expiry = datetime.now(UTC) + timedelta(seconds=seconds)
        posted = under_way(expires_at=expiry.isoformat())
        assert until(lambda found=posted: settled(shop, found))["expired"] > 0
        if Slow.calls:
            break
    assert Slow.calls and max(Slow.calls) < expiry.timestamp()


@pytest.mark.parametrize("what", ["topic", "provider"])
def test_what_is_paused_while_it_is_sent_is_held_and_goes_on(shop, under_way, swept, what):
    posted = under_way()
    if what == "topic":
        shop.http.patch("/v1/topics/news", {"paused": True}, format="json")
    else:
        provider_pauses.pause("slow")
    ended(shop, posted, "retrying")
    rows = shop.get(f"notifications/{posted['id']}/deliveries", state="retrying")["data"]
    assert {row["reason"] for row in rows} == {f"{what}_paused"}
    if what == "topic":
        shop.http.patch("/v1/topics/news", {"paused": False}, format="json")
    else:
        provider_pauses.resume("slow")
    swept()
    assert shop.counts(posted) == {"sms": {"accepted": PEOPLE}}
    assert Attempt.objects.count() == PEOPLE


def new_watcher(monkeypatch):
    """With a watcher of this test's own, since one that released goes on doing so."""
    watcher = CancellationWatcher()
    monkeypatch.setattr(runtime, "cancellation_watcher", lambda: watcher)
    watcher.start()
    return watcher


def test_what_a_stopping_worker_has_not_begun_to_send_is_given_back(
    shop, under_way, swept, monkeypatch
):
    watcher = new_watcher(monkeypatch)
    posted = under_way()
    watcher.release()
    ended(shop, posted, "retrying")
    rows = shop.get(f"notifications/{posted['id']}/deliveries", state="retrying")["data"]
    assert {row["reason"] for row in rows} == {"released"}
    new_watcher(monkeypatch)
    swept()
    assert shop.counts(posted) == {"sms": {"accepted": PEOPLE}}


def test_a_worker_that_stops_while_it_looks_gives_back_all_the_same(shop, monkeypatch):
    """The query that is under way finds nothing to stop, and must not undo it."""
    halt, watcher = StopSignal(), new_watcher(monkeypatch)
    with table_locked("delivery_notification"):
        watcher.watch([Watched(1, str(uuid4()), None, halt)], time.monotonic())
        until(waiting_for_a_lock)
        watcher.release()
    watcher.join(PATIENCE)
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
    monkeypatch.setattr(cancellation, "EVERY", 0.1)
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
        begin("sms", "high")
        assert process.worker().join(PATIENCE)
    assert shop.counts(posted) == {"sms": {"retrying": PEOPLE}}
    if late == "expired":
        expiry = datetime.now(UTC) + timedelta(seconds=0.6)
        Notification.objects.update(expires_at=expiry)
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    begin("sms", "high")
    until(lambda: Slow.calls)
    if late == "cancelled":
        shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    assert process.worker().join(PATIENCE)
    sent = len(Slow.calls)
    assert 0 < sent < PEOPLE
    assert shop.counts(posted) == {"sms": {"accepted": sent, "unknown": PEOPLE - sent}}


# -- Sight ------------------------------------------------------------------------------------


@pytest.fixture
def short_sighted(monkeypatch):
    """A look is relied on for a moment only, and messages take as long.

    In a watcher of its own: what another test's saw is relied on for longer.
    """
    new_watcher(monkeypatch)
    monkeypatch.setattr(cancellation, "SIGHT", 0.3)
    monkeypatch.setattr(f"{__name__}.TAKES", 0.3)
    new_watcher(monkeypatch)  # the one of the tests before may have seen further


def test_where_nobody_can_look_what_was_cancelled_nothing_more_is_sent(
    shop, under_way, swept, short_sighted
):
    posted = under_way()
    with table_locked("topics_topic"):  # every look waits for it
        blind = time.time()
        assert process.worker().join(PATIENCE)
        sent = len(Slow.calls)
        assert 0 < sent < PEOPLE
        assert max(Slow.calls) < blind + 0.3 + 0.2
    assert shop.counts(posted)["sms"] == {"accepted": sent, "retrying": PEOPLE - sent}
    rows = shop.get(f"notifications/{posted['id']}/deliveries", state="retrying")["data"]
    assert {row["reason"] for row in rows} == {"unconfirmed"}
    assert [row["attempts"] for row in rows] == [[]] * (PEOPLE - sent), "no attempt is counted"

    def all_sent():
        swept()
        return shop.counts(posted) == {"sms": {"accepted": PEOPLE}}

    until(all_sent)
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}


def test_what_is_cancelled_while_nobody_can_look_is_not_sent_later(
    shop, under_way, swept, short_sighted
):
    posted = under_way()
    with table_locked("topics_topic"):
        Notification.objects.update(cancelled_at=datetime.now(UTC))
        assert process.worker().join(PATIENCE)
    sent = len(Slow.calls)
    Delivery.objects.filter(state="retrying").update(next_attempt_at="2020-01-01T00:00:00Z")
    swept()
    assert len(Slow.calls) == sent < PEOPLE
    assert shop.counts(posted) == {"sms": {"accepted": sent, "cancelled": PEOPLE - sent}}


def test_cancels_of_what_a_process_does_not_send_are_not_read(shop):
    recipient("ada")
    one, *others = [
        shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
        for _ in range(3)
    ]
    Notification.objects.update(cancelled_at=datetime.now(UTC))
    found, _, _ = CancellationWatcher()._read([1], [one["id"], str(uuid4())])
    assert found == {one["id"]}
    assert Notification.objects.filter(pk__in=[other["id"] for other in others]).count() == 2


def test_cancels_are_seen_again_after_a_look_whose_connection_broke(shop, monkeypatch, caplog):
    recipient("ada")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["inbox"]})
    claimed, halt = claim(), StopSignal()
    watcher = new_watcher(monkeypatch)
    try:
        with table_locked("delivery_notification"):
            watched = Watched(claimed.id, posted["id"], None, halt)
            watcher.watch([watched], time.monotonic())
            break_waiting("cancelled_at")
        Notification.objects.update(cancelled_at=datetime.now(UTC))
        until(lambda: halt.all)
    finally:
        watcher.stop()
        watcher.join(PATIENCE)
    assert halt.all.reason is Reason.CANCELLED
    assert "cancelled notifications cannot be read: OperationalError" in caplog.text
