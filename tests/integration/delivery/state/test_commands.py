"""Commands on deliveries: what they move, count, publish and answer."""

import pytest
from django.db import transaction

from apps.delivery import state
from apps.delivery.models import Chunk, DeadLetter, Delivery, Notification
from apps.delivery.ordering import ordering_keys
from apps.delivery.state import cancellation, retry_policies
from apps.preferences.models import Recipient
from apps.publishers.models import AuditEvent
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from tests.support.deliveries.workers import PATIENCE, claim, in_thread
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient, subscribe
from tests.support.waiting import somebody_waits, until

HELLO = {"body": "Hello"}


@pytest.fixture(autouse=True)
def answer(scripted_inbox, settings, monkeypatch):
    """Have the inbox's provider answer with an outcome."""
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": (60.0, 60.0)}
    return lambda said: monkeypatch.setattr(Scripted, "answer", staticmethod(lambda _: said))


def notify(shop, *names):
    for name in names:
        recipient(name)
    return shop.post("notifications", {"user_ids": names, "channels": ["inbox"], "content": HELLO})


def cancel(shop, posted):
    return shop.post(f"notifications/{posted['id']}/cancel", None, status=200)


def ids(*names):
    people = Recipient.objects.filter(user_id__in=names)
    found = Delivery.objects.filter(recipient_id__in=people).order_by("pk")
    return [row.pk for row in found]


# -- Cancel -----------------------------------------------------------------------------------


def test_a_cancel_is_recorded_once_however_often_it_is_asked_for(shop):
    posted = notify(shop, "ada")
    cancel(shop, posted)
    cancel(shop, posted)
    assert AuditEvent.objects.filter(action="cancel").count() == 1


def test_what_is_done_is_not_cancelled(shop, work, answer):
    answer(Accepted(delivered=True))
    posted = notify(shop, "ada")
    work()
    assert not state.cancel(posted["id"])
    cancel(shop, posted)
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert not AuditEvent.objects.filter(action="cancel").exists()


def test_an_audience_that_was_not_cut_yet_is_done_once_it_is_cancelled(shop):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    assert state.cancel(posted["id"])
    assert Chunk.objects.get().state == "done"


def test_a_cancel_publishes_and_counts_what_it_moved(shop, work, answer, moves):
    answer(Retry(Reason.PROVIDER_ERROR))
    posted = notify(shop, "ada", "bob")
    work()
    moves.clear()
    assert state.cancel(posted["id"])
    assert sorted(moves) == [(one, "cancelled") for one in ids("ada", "bob")]
    assert shop.counts(posted) == {"inbox": {"cancelled": 2}}


def test_many_waiting_deliveries_are_cancelled_in_part_at_once_and_in_part_when_due(
    shop, work, wake, answer, monkeypatch
):
    monkeypatch.setattr(cancellation, "CANCEL_AT_ONCE", 2)
    answer(Retry(Reason.PROVIDER_ERROR))
    posted = notify(shop, "ada", "bob", "eve")
    work()
    cancel(shop, posted)
    assert shop.counts(posted) == {"inbox": {"cancelled": 2, "retrying": 1}}
    wake()
    work()
    assert shop.counts(posted) == {"inbox": {"cancelled": 3}}
    assert len(Scripted.calls) == 3


def test_a_cancel_waits_for_whoever_changes_the_order_of_its_line(shop, work):
    recipient("ada")
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "ordering_key": "order-7"}
    first, second = (shop.post("notifications", body) for _ in range(2))
    line = ordering_keys.line_of(Notification.objects.get(pk=first["id"]), "inbox")
    with transaction.atomic():
        ordering_keys.lock([line])
        cancelling = in_thread(lambda: state.cancel(first["id"]))
        until(lambda: somebody_waits() or not cancelling.is_alive())
        assert cancelling.is_alive()
    cancelling.join(PATIENCE)
    work()
    assert shop.counts(second) == {"inbox": {"delivered": 1}}


# -- Redrive and make dead letters ------------------------------------------------------------


def test_a_redrive_answers_with_what_was_a_dead_letter(shop, work, answer):
    answer(Refused(Reason.AUTHENTICATION))
    posted = notify(shop, "ada", "bob")
    work()
    ada, bob = ids("ada", "bob")
    with transaction.atomic():
        assert state.redrive([ada, 10**9]) == [ada]
        assert state.redrive([ada]) == []
    assert shop.counts(posted) == {"inbox": {"retrying": 1, "dead": 1}}
    assert [letter.pk for letter in DeadLetter.objects.all()] == [bob]


def test_what_was_given_up_for_its_address_becomes_a_dead_letter(shop, work, answer, moves):
    answer(Refused(Reason.REJECTED))
    failed = notify(shop, "ada", "bob")
    work()
    answer(Accepted(delivered=True))
    notify(shop, "eve")
    work()
    moves.clear()
    with transaction.atomic():
        assert state.make_dead_letters(ids("ada", "bob", "eve")) == 2
        assert state.make_dead_letters([]) == 0
    assert sorted(moves) == [(one, "dead") for one in ids("ada", "bob")]
    assert shop.counts(failed) == {"inbox": {"dead": 2}}
    found = DeadLetter.objects.order_by("pk").values_list("pk", "reason")
    assert list(found) == [(one, "many_dead_addresses") for one in ids("ada", "bob")]


# -- Release what was lost --------------------------------------------------------------------


def test_what_a_lost_worker_was_sending_is_published_and_counted(shop, moves):
    posted = notify(shop, "ada", "bob")
    lost = claim()
    moves.clear()
    with transaction.atomic():
        assert state.release_lost([lost.id], {"inbox": 2}) == 2
    assert sorted(moves) == [(one, "retrying") for one in ids("ada", "bob")]
    assert shop.counts(posted) == {"inbox": {"retrying": 2}}


def test_a_lost_workers_last_attempt_is_the_one_that_the_channel_allows_no_more_after(shop):
    posted = notify(shop, "ada")
    most = retry_policies.most_attempts()
    assert most["inbox"] == 3
    for left in ("retrying", "retrying", "unknown"):
        Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
        with transaction.atomic():
            state.release_lost([claim().id], most)
        assert shop.counts(posted) == {"inbox": {left: 1}}
