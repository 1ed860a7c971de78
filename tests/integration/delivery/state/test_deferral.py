"""Releases of what was deferred: what is due again, and how much of it."""

import pytest
from django.db.models.functions import Now

from apps.delivery import state
from apps.delivery.models import Chunk, Delivery
from apps.delivery.state import deferral
from tests.support.deliveries.workers import claim, cut
from tests.support.publishers.people import recipient, subscribe

HELLO = {"body": "Hello"}

pytestmark = pytest.mark.usefixtures("scripted_inbox")


def notify(shop, person):
    body = {"user_id": person.user_id, "channels": ["inbox"], "content": HELLO}
    return shop.post("notifications", body)


def due():
    found = Delivery.objects.filter(next_attempt_at__lte=Now()).order_by("pk")
    return [row.pk for row in found]


def test_a_topic_that_is_resumed_releases_its_chunks_and_its_deliveries(shop, work, execute):
    topic = shop.topic()
    subscribe(topic, recipient("ada"), "inbox")
    body = {"channels": ["inbox"], "content": HELLO}
    shop.post("topics/news/publish", body)
    cut()
    assert len(claim().deliveries) == 1
    execute("DELETE FROM delivery_claim")
    execute(
        "UPDATE delivery_delivery SET state = 'retrying', reason = 'topic_paused',"
        " next_attempt_at = 'infinity'"
    )
    second = shop.post("topics/news/publish", body)
    cut()
    [waiting] = Chunk.objects.filter(kind="range", state="queued")
    deferral.defer_chunks([waiting.pk], "topic_paused", None)
    assert claim() is None
    assert state.release_topic(topic.pk) == 2, "a chunk and a delivery"
    assert state.release_topic(topic.pk) == 0
    work()
    assert Delivery.objects.filter(state="delivered").count() == 2
    assert shop.counts(second) == {"inbox": {"delivered": 1}}


@pytest.fixture
def people(shop, execute):
    """Two people, and three deliveries of each that wait for their quiet hours; oldest first."""
    people = [recipient(name) for name in ("ada", "bob")]
    for _ in range(3):
        for person in people:
            notify(shop, person)
    assert len(claim().deliveries) == 6
    execute(
        "UPDATE delivery_delivery SET state = 'retrying', reason = 'quiet_hours',"
        " next_attempt_at = now() + interval '1 hour'"
    )
    return {
        person.pk: [
            row.pk for row in Delivery.objects.filter(recipient_id=person.pk).order_by("pk")
        ]
        for person in people
    }


def test_what_waits_for_quiet_hours_is_released_for_these_people_and_no_others(people):
    [(ada, waiting), _] = people.items()
    state.release_people([])
    assert due() == []
    state.release_people([ada])
    assert due() == waiting


@pytest.mark.parametrize(("at_once", "newest"), [(4, 2), (1, 1)])
def test_of_many_people_the_newest_are_released_and_some_of_each(
    people, monkeypatch, at_once, newest
):
    monkeypatch.setattr(deferral, "RELEASE_AT_ONCE", at_once)
    monkeypatch.setattr(deferral, "LEAST_NEWEST", 1)
    state.release_people(list(people))
    assert due() == sorted(pk for waiting in people.values() for pk in waiting[-newest:])
