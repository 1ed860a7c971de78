"""Paused topics and providers: accepted, held back, and sent within seconds of being resumed."""

import pytest

from apps.core import clock
from apps.delivery import state
from apps.delivery.flow import provider_pauses
from apps.delivery.maintenance import sweeper
from apps.delivery.models import Attempt, Chunk, Claim, Delivery, TopicRelease
from apps.delivery.state import deferral
from apps.publishers.models import AuditEvent
from notifier.domain.outcomes import Accepted, Reason, Retry
from tests.support.deliveries.engine import work_once
from tests.support.deliveries.workers import claim, cut, lose_claims
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient, subscribe

HELLO = {"body": "Hello", "title": "Hello"}


@pytest.fixture
def provider(settings, monkeypatch):
    """Scripted providers: of the inbox, of email (two) and of push (one for each platform)."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {
        "inbox": {"class": path, "channel": "inbox"},
        "sendgrid": {"class": path, "channel": "email"},
        "smtp": {"class": path, "channel": "email"},
        "fcm": {"class": path, "channel": "push", "platforms": ["android"]},
        "apns": {"class": path, "channel": "push", "platforms": ["ios"]},
    }
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])
    monkeypatch.setattr(Scripted, "answer", staticmethod(accept))
    return Scripted


def accept(message):
    return Accepted("id")


def fail(message):
    return Retry(Reason.PROVIDER_ERROR)


def switch(shop, paused):
    answer = shop.http.patch("/v1/topics/news", {"paused": paused}, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["paused"] is paused


def news(shop, *people, channel="inbox"):
    topic = shop.topic()
    for name in people:
        subscribe(topic, recipient(name), channel)


def publish(shop, **fields):
    return shop.post("topics/news/publish", {"content": HELLO, **fields})


# -- Topics -----------------------------------------------------------------------------------


def test_a_paused_topic_accepts_and_sends_once_it_is_resumed(shop, swept, provider):
    news(shop, "ada", "bob")
    switch(shop, True)
    posted = publish(shop)
    assert work_once() == 1, "it was looked at"
    assert work_once() == 0, "and waits until the topic is resumed"
    chunk = Chunk.objects.get()
    assert (chunk.state, chunk.kind) == ("queued", "whole")
    assert shop.get(f"notifications/{posted['id']}")["state"] == "sending"
    assert Chunk.objects.count() == 1 and not Delivery.objects.exists()
    switch(shop, False)
    swept()
    assert shop.counts(posted) == {"inbox": {"accepted": 2}}
    events = AuditEvent.objects.filter(object_type="topic").order_by("id")
    assert [event.after for event in events] == [{"paused": True}, {"paused": False}]


def test_a_topic_paused_after_it_was_cut_makes_no_deliveries(shop, swept, provider):
    news(shop, "ada")
    posted = publish(shop)
    cut()
    switch(shop, True)
    for _ in range(2):
        sweeper.sweep()
        work_once()
    assert not Delivery.objects.exists()
    [chunk] = Chunk.objects.filter(kind="range")
    assert (chunk.state, chunk.reason) == ("queued", "topic_paused")
    switch(shop, False)
    swept()
    assert shop.counts(posted) == {"inbox": {"accepted": 1}}


def test_retries_of_a_paused_topic_wait_and_use_up_no_attempt(
    shop, work, wake, swept, provider, monkeypatch
):
    news(shop, "ada")
    monkeypatch.setattr(Scripted, "answer", staticmethod(fail))
    posted = publish(shop)
    work()
    switch(shop, True)
    monkeypatch.setattr(Scripted, "answer", staticmethod(accept))
    for _ in range(3):
        wake()
        work()
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("retrying", "topic_paused")
    assert row["next_attempt_at"] is not None and len(row["attempts"]) == 1
    switch(shop, False)
    swept()
    assert shop.counts(posted) == {"inbox": {"accepted": 1}}


def test_a_paused_topics_notification_can_be_cancelled(shop, swept, provider):
    news(shop, "ada")
    switch(shop, True)
    posted = publish(shop)
    work_once()
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    switch(shop, False)
    swept()
    assert Scripted.calls == []
    assert shop.get(f"notifications/{posted['id']}")["state"] == "cancelled"


def test_what_a_lost_worker_was_sending_waits_while_the_topic_is_paused(
    shop, work, swept, provider
):
    news(shop, "ada")
    posted = publish(shop)
    cut()
    claim()  # and here the worker dies
    switch(shop, True)
    lose_claims()
    work()
    assert Scripted.calls == []
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("retrying", "topic_paused")
    switch(shop, False)
    swept()
    assert shop.counts(posted) == {"inbox": {"accepted": 1}}
    assert [a.outcome for a in Attempt.objects.order_by("number")] == ["unknown", "accepted"]


def test_what_was_accepted_for_a_paused_topic_is_sent_once_it_is_deleted(shop, swept, provider):
    news(shop, "ada")
    switch(shop, True)
    posted = publish(shop)
    work_once()
    assert shop.http.delete("/v1/topics/news").status_code == 204
    swept()
    assert shop.counts(posted) == {"inbox": {"accepted": 1}}


def versions(execute):
    """The row version (xmin) of each chunk and delivery, which every update changes."""
    chunks = execute("SELECT 'chunk', id, xmin::text FROM delivery_chunk ORDER BY id")
    return chunks + execute("SELECT '', id, xmin::text FROM delivery_delivery ORDER BY id")


def test_what_waits_for_a_paused_topic_is_not_touched_again_until_it_is_resumed(
    shop, work, wake, swept, provider, monkeypatch, execute
):
    news(shop, "ada", "bob", "eve")
    monkeypatch.setattr(Scripted, "answer", staticmethod(fail))
    tried = publish(shop)
    work()
    monkeypatch.setattr(Scripted, "answer", staticmethod(accept))
    fresh = publish(shop)
    cut()
    before = versions(execute)
    switch(shop, True)
    assert versions(execute) == before, "pausing itself touches nothing that waits"
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    work()  # each of them is found paused once
    held = versions(execute)
    for _ in range(3):
        sweeper.sweep()
        assert work_once() == 0
    assert versions(execute) == held
    switch(shop, False)
    swept()
    assert shop.counts(tried) == shop.counts(fresh) == {"inbox": {"accepted": 3}}
    swept()
    assert not TopicRelease.objects.exists(), "there is nothing left to release"


def test_a_topic_with_more_waiting_than_one_page_is_resumed_by_the_sweeper(
    shop, work, swept, provider, monkeypatch
):
    news(shop, *(f"p{number}" for number in range(7)))
    monkeypatch.setattr(Scripted, "answer", staticmethod(fail))
    posted = publish(shop)
    work()
    switch(shop, True)
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    work()
    monkeypatch.setattr(Scripted, "answer", staticmethod(accept))
    release = state.release_topic
    monkeypatch.setattr(state, "release_topic", lambda topic_id: release(topic_id, 2))
    switch(shop, False)
    work()
    assert shop.counts(posted) == {"inbox": {"accepted": 2, "retrying": 5}}
    swept()
    assert shop.counts(posted) == {"inbox": {"accepted": 7}}


def test_only_the_owner_pauses_a_topic(shop, other_shop, provider):
    topic = shop.topic()
    body = {"paused": True}
    assert other_shop.http.patch("/v1/topics/news", body, format="json").status_code == 404
    topic.granted_to.add(other_shop.id)
    assert other_shop.http.patch("/v1/topics/news", body, format="json").status_code == 403
    answer = shop.http.post("/v1/topics", {"name": "b", "paused": True}, format="json")
    assert answer.status_code == 400


# -- Providers --------------------------------------------------------------------------------


def notify(shop, channel, **addresses):
    recipient("ada", **addresses)
    return shop.post("notifications", {"user_id": "ada", "channels": [channel], "content": HELLO})


def test_a_paused_providers_messages_go_through_the_next(shop, work, provider):
    provider_pauses.pause("sendgrid")
    posted = notify(shop, "email", email="ada@example.com")
    work()
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["provider"]) == ("accepted", "smtp")


def test_a_channel_whose_providers_are_paused_waits_and_goes_on(
    shop, work, swept, provider, monkeypatch
):
    first = notify(shop, "inbox")
    monkeypatch.setattr(Scripted, "answer", staticmethod(fail))
    work()
    monkeypatch.setattr(Scripted, "answer", staticmethod(accept))
    provider_pauses.pause("inbox")
    second = shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    sweeper.sweep()
    assert work_once() == 0 and not Claim.objects.exists()
    assert Attempt.objects.count() == len(Scripted.calls) == 1
    provider_pauses.resume("inbox")
    swept()
    assert shop.counts(first) == shop.counts(second) == {"inbox": {"accepted": 1}}


def test_of_a_channel_only_the_paused_platforms_messages_are_held(
    shop, work, wake, swept, provider
):
    provider_pauses.pause("apns")
    posted = notify(shop, "push", push_ios="ab" * 32, push_android="token")
    for _ in range(3):
        work()
        wake()
    by_state = {
        row["state"]: row for row in shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    }
    assert by_state["accepted"]["provider"] == "fcm"
    held = by_state["retrying"]
    assert (held["reason"], held["attempts"], held["provider"]) == ("provider_paused", [], "")
    work()
    provider_pauses.resume("apns")
    swept()
    assert shop.counts(posted) == {"push": {"accepted": 2}}
    assert [a.number for a in Attempt.objects.all()] == [1, 1]


def test_what_is_held_beyond_its_expiry_expires(shop, work, wake, provider, execute):
    provider_pauses.pause("apns")
    posted = notify(shop, "push", push_ios="ab" * 32)
    work()
    execute("UPDATE delivery_notification SET expires_at = now()")
    wake()
    work()
    assert shop.counts(posted) == {"push": {"expired": 1}}


def test_the_longer_a_pause_has_lasted_the_longer_it_is_left_alone(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: 1_000_000.0)
    waits = [deferral.seconds(1_000_000.0 - ago) for ago in (0, 20, 3600)]
    assert waits == [deferral.SHORTEST, 20.0, deferral.LONGEST]
