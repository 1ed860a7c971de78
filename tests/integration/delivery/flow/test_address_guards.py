"""A flood of dead addresses is our mistake: none is given up, messages wait, operators decide."""

import time
from types import SimpleNamespace

import pytest

from apps.core import cache
from apps.delivery.flow import address_guards, breakers, lost_addresses
from apps.delivery.maintenance import sweeper
from apps.delivery.models import Attempt, Chunk, Claim, DeadLetter, Delivery
from apps.delivery.monitoring import metrics
from apps.delivery.sending.recorder import Recorder
from apps.preferences.models import Contact, Suppression
from notifier.domain.outcomes import Accepted, Reason, Refused
from tests.support.deliveries.engine import work_once
from tests.support.deliveries.mistakes import HELLO, nothing_was_given_up, redrive
from tests.support.deliveries.signed_receipts import (
    by_sendgrid,
    callback,  # noqa: F401  # a fixture
    post_receipt,
    read_receipts,
)
from tests.support.deliveries.workers import claim, lose_claims
from tests.support.fakes.dead_redis import dead_redis
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient

DEAD = Refused(Reason.DEAD_ADDRESS, 404, "UNREGISTERED", disable_contact=True)
LATER = 700.0


class Backup(Scripted):
    calls: list[str] = []
    answer = staticmethod(lambda message: Accepted("id"))


@pytest.fixture
def dead(settings, monkeypatch):
    """One provider of email, which calls the addresses dead whose number is in the set."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {"sendgrid": {"class": path, "channel": "email"}}
    numbers: set[int] = set()

    def answer(message):
        number = int(message.address.partition("@")[0].removeprefix("person-"))
        return DEAD if number in numbers else Accepted("id")

    monkeypatch.setattr(Scripted, "calls", [])
    monkeypatch.setattr(Scripted, "answer", staticmethod(answer))
    return numbers


@pytest.fixture
def post(shop):
    def run(numbers):
        names = []
        for n in numbers:
            names.append(f"person-{n}")
            if not Contact.objects.filter(recipient__user_id=names[-1]).exists():
                recipient(names[-1], email=f"{names[-1]}@example.com")
        body = {"user_ids": names, "channels": ["email"], "content": HELLO}
        return shop.post("notifications", body)

    return run


def state(name="sendgrid"):
    [row] = [row for row in breakers.breakers() if row.name == name]
    return row


def later(monkeypatch):
    """End every cool-down."""
    now = time.time() + LATER
    monkeypatch.setattr(address_guards, "clock", SimpleNamespace(now=lambda: now))
    breakers.forget()


def due():
    Delivery.objects.filter(state="retrying").update(next_attempt_at="2020-01-01T00:00:00Z")
    Chunk.objects.exclude(state="done").update(due_at="2020-01-01T00:00:00Z")


def test_sixty_dead_at_once_give_nothing_up_and_can_be_sent_again(
    shop, post, work, dead, monkeypatch, wake
):
    dead.update(range(60))
    posted = post(range(60))
    work()
    assert shop.counts(posted) == {"email": {"dead": 60}}
    nothing_was_given_up()
    assert set(DeadLetter.objects.values_list("reason", flat=True)) == {"many_dead_addresses"}
    assert set(Attempt.objects.values_list("detail", flat=True)) == {"UNREGISTERED"}
    row = state()
    assert (row.state, row.guarded) == ("open", True)
    assert "addresses in a row were called dead" in row.why
    shown = metrics.exposition().decode()
    assert 'notifier_addresses_doubted{provider="sendgrid"} 1.0' in shown
    assert 'notifier_breaker_state{provider="sendgrid"} 2.0' in shown

    dead.clear()
    breakers.close("sendgrid")
    assert redrive(shop, reason="many_dead_addresses") == 60
    wake()
    work()
    assert shop.counts(posted) == {"email": {"accepted": 60}}
    assert not state().guarded


@pytest.mark.parametrize("share", [5, 10, 20])
def test_a_newsletter_to_an_old_list_gives_up_who_is_gone(shop, post, work, dead, share):
    dead.update(range(0, 200, 100 // share))
    posted = post(range(200))
    work()
    assert shop.counts(posted) == {"email": {"accepted": 200 - len(dead), "failed": len(dead)}}
    assert Contact.objects.filter(state="disabled").count() == len(dead)
    assert Suppression.objects.count() == len(dead)
    assert not state().guarded


def test_what_was_given_up_one_by_one_before_it_was_a_flood_is_given_back(
    shop, post, work, dead, monkeypatch
):
    dead.update(range(30))
    first = [post([n]) for n in range(19)]
    work()
    assert Contact.objects.filter(state="disabled").count() == 19
    breakers.forget()  # another process, which has counted nothing
    last = post([19])
    work()
    nothing_was_given_up()
    assert state().guarded
    for posted in [*first, last]:
        assert shop.counts(posted) == {"email": {"dead": 1}}


def test_what_a_worker_wrote_down_too_late_is_given_back_by_the_sweep(
    shop, post, work, dead, monkeypatch
):
    dead.update(range(25))
    monkeypatch.setattr(
        Recorder, "_restore_addresses", lambda self, results: None
    )  # it has not noticed
    for n in range(20):
        post([n])
        work()
    assert Contact.objects.filter(state="disabled").count() == 19
    sweeper.sweep()
    nothing_was_given_up()


def test_lost_claims_are_released_though_nothing_can_be_given_back(
    shop, post, work, dead, settings, monkeypatch
):
    dead.update(range(60))
    post(range(60))
    work()
    entry = settings.PROVIDERS["sendgrid"]
    settings.PROVIDERS = {**settings.PROVIDERS, "inbox": {**entry, "channel": "inbox"}}
    body = {"user_id": "person-1", "channels": ["inbox"], "content": HELLO}
    posted = shop.post("notifications", body)

    def fail(cause):
        raise ValueError("a row that cannot be restored")

    monkeypatch.setattr(lost_addresses, "restore", fail)
    claim()  # its worker is lost
    assert shop.counts(posted) == {"inbox": {"sending": 1}}
    with pytest.raises(ValueError):
        lose_claims()
    assert shop.counts(posted) == {"inbox": {"retrying": 1}}
    assert not Claim.objects.exists()


def test_what_waits_goes_out_once_the_first_are_taken_again(shop, post, work, dead, monkeypatch):
    dead.update(range(60))
    post(range(60))
    work()
    waiting = post(range(100, 140))
    sweeper.sweep()
    assert work_once() == 0 and not Claim.objects.exists(), "what is due waits with its provider"
    assert "accepted" not in shop.counts(waiting).get("email", {})
    later(monkeypatch)
    for _ in range(4):
        due()
        sweeper.sweep()
        work()
    assert shop.counts(waiting) == {"email": {"accepted": 40}}
    assert not state().guarded


def test_the_channels_next_provider_carries_them_meanwhile(
    shop, post, work, wake, dead, settings, monkeypatch
):
    path = f"{__name__}.{Backup.__qualname__}"
    entries = {**settings.PROVIDERS, "smtp": {"class": path, "channel": "email"}}
    settings.PROVIDERS = entries
    dead.update(range(60))
    posted = post(range(60))
    work()
    wake()
    work()
    assert shop.counts(posted) == {"email": {"accepted": 60}}
    assert set(Delivery.objects.values_list("provider", flat=True)) == {"smtp"}
    nothing_was_given_up()


def test_an_operator_who_knows_better_lets_them_be_given_up(shop, post, work, wake, dead):
    dead.update(range(60))
    posted = post(range(60))
    work()
    nothing_was_given_up()
    breakers.believe("sendgrid")
    redrive(shop, reason="many_dead_addresses")
    wake()
    work()
    assert shop.counts(posted) == {"email": {"failed": 60}}
    assert Contact.objects.filter(state="disabled").count() == 60
    assert not state().guarded


def test_what_people_asked_for_is_done_however_many_they_are(shop, post, work, dead, monkeypatch):
    opted_out = Refused(Reason.OPTED_OUT, 400, "Twilio error 21610", disable_contact=True)
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda message: opted_out))
    posted = post(range(60))
    work()
    assert shop.counts(posted) == {"email": {"failed": 60}}
    assert Suppression.objects.filter(reason="opted_out").count() == 60


def test_without_redis_each_process_has_guards_of_its_own(shop, post, work, dead, monkeypatch):
    monkeypatch.setattr(cache._shared, "_clients", cache._Clients())
    monkeypatch.setattr(cache._shared, "connect", dead_redis)
    monkeypatch.setattr(cache._shared, "_rests_until", 0.0)
    dead.update(range(60))
    for numbers in (range(10), range(10, 60)):
        post(numbers)
        work()
    nothing_was_given_up()


def test_endpoints_are_believed_since_each_is_a_server_of_its_own(settings):
    assert address_guards.guards("webhook") == []


# -- Receipts ---------------------------------------------------------------------------------


def bounce(delivery, **fields):
    said = {"event": "bounce", "status": "5.1.1", "type": "bounce", "sg_message_id": "m.1"}
    return {"delivery_id": delivery, "timestamp": int(time.time()), **said, **fields}


@pytest.fixture
def bounced(shop, work, callback):  # noqa: F811
    """Mails that SendGrid took, each bounced by its receipt."""

    def run(numbers, **fields):
        names = [f"person-{n}" for n in numbers]
        for name in names:
            recipient(name, email=f"{name}@example.com")
        body = {"user_ids": names, "channels": ["email"], "content": HELLO}
        posted = shop.post("notifications", body)
        work()
        rows = shop.get(f"notifications/{posted['id']}/deliveries", limit=100)["data"]
        sent = [
            bounce(row["id"], sg_message_id=row["provider_message_id"], **fields) for row in rows
        ]
        post_receipt(by_sendgrid(*sent))
        read_receipts()
        return posted

    return run


def test_sixty_bounces_at_once_suppress_nobody_and_can_be_sent_again(shop, bounced, work, wake):
    posted = bounced(range(60))
    assert shop.counts(posted) == {"email": {"dead": 60}}
    nothing_was_given_up()
    assert state().guarded
    [row] = shop.get("dead-letters", limit=1)["data"]
    assert row["reason"] == "many_dead_addresses"
    breakers.close("sendgrid")
    assert redrive(shop, reason="many_dead_addresses") == 60
    wake()
    work()
    assert shop.counts(posted) == {"email": {"accepted": 60}}


def test_bounces_that_came_before_the_flood_are_given_back(shop, bounced):
    first = bounced(range(15))
    assert Suppression.objects.count() == 15
    bounced(range(15, 30))
    sweeper.sweep()
    assert not Suppression.objects.exists()
    assert shop.counts(first) == {"email": {"dead": 15}}


def test_a_few_bounces_suppress_their_addresses(shop, bounced):
    posted = bounced(range(3))
    assert shop.counts(posted) == {"email": {"bounced": 3}}
    assert Suppression.objects.filter(provider="sendgrid", error="status 5.1.1").count() == 3
    assert lost_addresses.restore(address_guards.Cause("sendgrid")).suppressions == 3


def test_a_bounce_for_a_policy_about_us_is_a_dead_letter(shop, bounced):
    posted = bounced(range(2), status="5.7.26")
    assert shop.counts(posted) == {"email": {"dead": 2}}
    nothing_was_given_up()
    assert set(DeadLetter.objects.values_list("reason", flat=True)) == {"sender_refused"}
