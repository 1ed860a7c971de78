"""Moves that a claim makes: each is published and counted once."""

import pytest

from apps.delivery.models import Delivery
from apps.preferences.models import Preference, Recipient
from notifier.domain.outcomes import Reason, Retry
from tests.support.deliveries.workers import claim
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient

HELLO = {"body": "Hello"}


@pytest.fixture(autouse=True)
def provider(scripted_inbox, monkeypatch):
    """A provider of the inbox that is not there."""
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda _: Retry(Reason.CONNECTION)))


def notify(shop, *names):
    for name in names:
        recipient(name)
    return shop.post("notifications", {"user_ids": names, "channels": ["inbox"], "content": HELLO})


def of(name):
    return Delivery.objects.get(recipient_id=Recipient.objects.get(user_id=name).pk).pk


def refuse(name):
    person = Recipient.objects.get(user_id=name)
    Preference.objects.create(recipient=person, channel="inbox", allowed=False)


def test_new_deliveries_are_published_as_what_became_of_them(shop, moves):
    posted = notify(shop, "ada", "bob")
    refuse("bob")
    found = claim()
    assert [row.delivery_id for row in found.deliveries] == [of("ada")]
    assert sorted(moves) == sorted([(of("ada"), "sending"), (of("bob"), "suppressed")])
    assert shop.counts(posted) == {"inbox": {"sending": 1, "suppressed": 1}}


def test_due_deliveries_are_published_and_leave_the_state_that_they_were_in(
    shop, work, wake, moves
):
    posted = notify(shop, "ada", "bob")
    work()
    assert shop.counts(posted) == {"inbox": {"retrying": 2}}
    refuse("bob")
    wake()
    moves.clear()
    found = claim()
    assert [row.delivery_id for row in found.deliveries] == [of("ada")]
    assert sorted(moves) == sorted([(of("ada"), "sending"), (of("bob"), "suppressed")])
    assert shop.counts(posted) == {"inbox": {"sending": 1, "suppressed": 1}}


def test_a_due_delivery_that_goes_on_waiting_is_not_published(shop, work, wake, moves):
    recipient("ada")
    shop.topic()
    shop.post("topics/news/subscriptions", {"user_id": "ada", "channels": ["inbox"]}, status=200)
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    wake()
    answer = shop.http.patch("/v1/topics/news", {"paused": True}, format="json")
    assert answer.status_code == 200, answer.json()
    moves.clear()
    assert claim() is None or not claim().deliveries
    assert moves == []
    assert shop.counts(posted) == {"inbox": {"retrying": 1}}


def test_what_disturbs_nobody_is_claimed_without_its_persons_hours(shop):
    notify(shop, "ada")
    Recipient.objects.update(time_zone="Europe/Vienna", quiet_hours={"windows": []})
    [row] = claim().deliveries
    assert (row.time_zone, row.quiet_hours) == (None, None)
