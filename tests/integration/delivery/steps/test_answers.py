"""Answers beside workers: nothing is sent after one was answered."""

import asyncio
import threading
import time

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from apps.delivery.models import Answer, Attempt
from apps.delivery.sending import cancellation, process
from apps.preferences.models import Group, Membership, Recipient
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome
from notifier.providers.base import Provider
from stack.supervision.process import PATIENCE
from tests.support.deliveries.workers import begin, claim, in_thread, lose_claims
from tests.support.publishers.people import contact, recipient
from tests.support.waiting import until

HELLO = {"title": "The pump has stopped", "body": "Hall 3"}
PEOPLE = 10
TO_GROUP = {"channel": "sms", "after_seconds": 1, "unless": "acknowledged", "group": "all"}


class Slow(Provider):
    """Takes one message at a time."""

    calls: list[float] = []

    def __init__(self, name: str) -> None:
        super().__init__(name, concurrency=1)

    async def send(self, message: Message) -> Outcome:
        self.calls.append(time.time())
        await asyncio.sleep(0.1)
        return Accepted("id")


@pytest.fixture
def team(shop, settings, monkeypatch):
    """A group of ``PEOPLE``, and a provider of SMS that takes one message at a time."""
    settings.PROVIDERS = {
        "slow": {"class": f"{__name__}.Slow", "channel": "sms"},
        "inbox": settings.PROVIDERS["inbox"],
    }
    monkeypatch.setattr(cancellation, "EVERY", 0.1)
    Slow.calls = []
    group = Group.objects.create(publisher_id=shop.id, name="all")
    for number in range(PEOPLE):
        person = recipient(f"p{number}", sms=f"+43660123456{number:02d}")
        Membership.objects.create(group=group, recipient=person)
    recipient("ada")


@pytest.fixture
def escalated(shop, team, workers, execute):
    """Post an alarm, and return while a worker sends the first message of its step."""
    posted = shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": TO_GROUP},
    )
    workers()
    execute("UPDATE delivery_chunk SET ready_at = now() WHERE step > 0")
    begin("sms")
    until(lambda: Slow.calls)
    yield posted
    assert process.worker().join(PATIENCE)


def test_nothing_of_a_step_is_sent_after_an_acknowledgement_was_answered(
    shop, escalated, app, workers
):
    app("ada").acknowledge(escalated)
    answered = time.time()
    assert process.worker().join(PATIENCE)
    workers()
    assert [at for at in Slow.calls if at > answered] == []
    counts = shop.counts(escalated)["sms"]
    assert (
        counts["accepted"]
        == len(Slow.calls)
        == Attempt.objects.filter(provider="slow").count()
        < PEOPLE
    )
    assert counts == {"accepted": len(Slow.calls), "suppressed": PEOPLE - len(Slow.calls)}
    assert shop.get(f"notifications/{escalated['id']}")["state"] == "done"


@examples(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before_claim=st.floats(0, 0.5), before_answer=st.floats(0, 0.8))
def test_whenever_it_is_acknowledged_nothing_is_sent_after_the_answer(
    shop, team, workers, execute, app, before_claim, before_answer
):
    posted = shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": TO_GROUP},
    )
    workers()
    execute("UPDATE delivery_chunk SET ready_at = now() WHERE step > 0")
    Slow.calls = []
    answered = []

    def acknowledge():
        time.sleep(before_answer)
        app("ada").acknowledge(posted)
        answered.append(time.time())

    answering = in_thread(acknowledge)
    time.sleep(before_claim)
    begin("sms")
    answering.join(PATIENCE)
    assert process.worker().join(PATIENCE)
    workers()
    assert [at for at in Slow.calls if at > answered[0]] == []
    found = shop.counts(posted).get("sms", {})
    assert found.get("accepted", 0) == len(Slow.calls)
    assert sum(found.values()) in (0, PEOPLE) and set(found) <= {"accepted", "suppressed"}
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_nothing_for_a_group_is_sent_after_a_read_that_keeps_it_from_them_was_answered(
    shop, team, workers, execute, app, monkeypatch
):
    monkeypatch.setattr(cancellation, "EVERY", 0.5)
    fallback = {**TO_GROUP, "unless": "read"}
    shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": fallback},
    )
    workers()
    execute("UPDATE delivery_chunk SET ready_at = now() WHERE step > 0")
    begin("sms")
    until(lambda: Slow.calls)
    app("ada").mark("read")
    answered = time.time()
    assert process.worker().join(PATIENCE)
    workers()
    assert [at for at in Slow.calls if at > answered] == [] and len(Slow.calls) < PEOPLE


def test_a_read_does_not_wait_for_a_step_that_it_does_not_stop(shop, team, workers, execute, app):
    contact("sms", "+436601234999", recipient=Recipient.objects.get(user_id="ada"))
    fallback = {"channel": "sms", "after_seconds": 1, "unless": "acknowledged"}
    shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": fallback},
    )
    workers()
    execute("UPDATE delivery_chunk SET ready_at = now() WHERE step > 0")
    assert claim("sms") is not None  # and its worker is slow
    began = time.monotonic()
    app("ada").mark("read")
    assert time.monotonic() - began < 2
    lose_claims()


def test_two_who_acknowledge_at_once_are_both_recorded(shop, escalated, app):
    together = threading.Barrier(2)

    def acknowledge(name):
        together.wait(PATIENCE)
        app(name).acknowledge(escalated)

    process.worker().join(PATIENCE)
    threads = [in_thread(lambda name=name: acknowledge(name)) for name in ("p0", "p1")]
    for thread in threads:
        thread.join(PATIENCE)
    assert Answer.objects.filter(acknowledged_at__isnull=False).count() == 2


def test_a_claim_that_judged_before_is_waited_for(shop, team, workers, execute, app):
    """The lock: the answer comes after the claim's commit, and finds what the claim made."""
    posted = shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": TO_GROUP},
    )
    workers()
    execute("UPDATE delivery_chunk SET ready_at = now() WHERE step > 0")
    with transaction.atomic():
        assert claim("sms") is not None
        answering = in_thread(lambda: app("ada").acknowledge(posted))
        time.sleep(0.3)
        assert answering.is_alive(), "it waits for the claim"
        assert not Answer.objects.exists()
    answering.join(PATIENCE)
    assert Answer.objects.count() == 1
    connection.close()
    lose_claims()
    workers()
    assert shop.counts(posted)["sms"] == {"unknown": PEOPLE}, "its worker may have sent some"
    assert Slow.calls == []


def test_a_worker_that_is_lost_between_the_steps_loses_none(shop, team, workers, execute):
    posted = shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": TO_GROUP},
    )
    workers()
    execute("UPDATE delivery_chunk SET ready_at = now() WHERE step > 0")
    assert claim("sms") is not None  # and its worker dies
    lose_claims()
    workers()
    found = shop.counts(posted)["sms"]
    assert sum(found.values()) == PEOPLE and set(found) <= {"accepted", "unknown", "retrying"}
