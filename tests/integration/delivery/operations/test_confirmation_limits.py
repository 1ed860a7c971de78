"""Limits of confirmation requests, for each address and each publisher."""

import threading
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from apps.delivery.maintenance import retention
from apps.delivery.operations import confirmations as sending
from apps.publishers.models import AuditEvent
from apps.topics.confirmation import requests
from apps.topics.models import ConfirmationSent, Subscription
from stack.supervision.process import PATIENCE
from tests.support.deliveries.confirmations import (
    SUBSCRIPTIONS,
    ask_again,
    confirm,
    later,
    subscribe,
    token_in,
)
from tests.support.publishers.people import recipient


def test_a_question_is_sent_again_but_not_within_ten_minutes(offers, outside, ask):
    made = subscribe(offers)
    ask()
    refused = ask_again(offers, made)
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/rate-limited"
    assert 590 <= int(refused.headers["Retry-After"]) <= 600
    ask()
    assert len(outside.client.messages()) == 1
    later(timedelta(minutes=11))
    answer = ask_again(offers, made)
    assert (answer.status_code, answer.json()) == (202, {**made, "state": "pending"})
    assert AuditEvent.objects.get(action="send_confirmation").object_name == "offers"
    ask()
    assert len(outside.client.messages()) == 2


def test_an_address_is_asked_three_times_a_day_over_all_topics_and_publishers(
    offers, other_shop, outside, ask
):
    for number in range(2):
        offers.post("topics", {"name": f"t{number}", "requires_confirmation": True}, status=201)
        subscribe(offers, topic=f"t{number}")
    other_shop.post("topics", {"name": "theirs", "requires_confirmation": True}, status=201)
    subscribe(other_shop, topic="theirs")
    ask()
    assert len(outside.client.messages()) == 3
    made = subscribe(offers)
    ask()
    assert len(outside.client.messages()) == 3
    refused = ask_again(offers, made)
    assert refused.status_code == 429
    assert 86_300 <= int(refused.headers["Retry-After"]) <= 86_400
    waits = Subscription.objects.get(pk=made["id"]).confirm_at - timezone.now()
    assert timedelta(hours=23) < waits < timedelta(hours=24), "postponed, not lost"
    later(timedelta(hours=24))
    ask()
    assert len(outside.client.messages()) == 4


def test_a_tag_makes_no_other_address(offers, outside, ask):
    for tag in ("", "+a", "+b", "+c", "+d"):
        subscribe(offers, {"channel": "email", "address": f"ada{tag}@example.com"})
    ask()
    assert len(outside.client.messages()) == 3


def test_a_publisher_has_so_many_sent_a_day_and_another_its_own(
    offers, other_shop, outside, ask, settings
):
    settings.CONFIRMATIONS_PER_PUBLISHER = 2
    for name in ("a", "b", "c"):
        subscribe(offers, {"channel": "email", "address": f"{name}@example.com"})
    other_shop.post("topics", {"name": "theirs", "requires_confirmation": True}, status=201)
    subscribe(other_shop, {"channel": "email", "address": "d@example.com"}, topic="theirs")
    ask()
    assert sorted(m["address"][0] for m in outside.client.messages()) == ["a", "b", "d"]
    later(timedelta(hours=24))
    ask()
    assert len(outside.client.messages()) == 4, "postponed, not lost"


def test_many_at_once_are_not_more(offers, outside, ask):
    for number in range(5):
        offers.post("topics", {"name": f"t{number}", "requires_confirmation": True}, status=201)
        subscribe(offers, topic=f"t{number}")
    ask()
    assert len(outside.client.messages()) == 3


def test_one_at_a_time_takes_what_is_due_and_the_other_gets_nothing(offers, outside, ask):
    subscribe(offers)
    taken, done = threading.Event(), threading.Event()

    def take_and_die():
        try:
            with transaction.atomic():
                assert len(requests.take(100)) == 1
                taken.set()
                done.wait(PATIENCE)
                transaction.set_rollback(True)
        finally:
            connection.close()

    other = threading.Thread(target=take_and_die)
    other.start()
    assert taken.wait(PATIENCE)
    assert sending.send() == 0
    done.set()
    other.join()
    assert sending.send() == 1, "what the other took and did not accept is not lost"
    assert ConfirmationSent.objects.count() == 1


def test_leaving_and_coming_back_does_not_ask_at_once_again(offers, outside, ask):
    made = subscribe(offers)
    ask()
    offers.http.delete(f"/v1/{SUBSCRIPTIONS}/{made['id']}")
    assert subscribe(offers) == made
    ask()
    assert len(outside.client.messages()) == 1
    later(timedelta(minutes=11))
    ask()
    assert len(outside.client.messages()) == 2


def test_only_a_pending_subscription_of_ones_own_is_asked_again(offers, other_shop, outside, ask):
    made = subscribe(offers)
    path = f"/v1/{SUBSCRIPTIONS}/{made['id']}/confirmation"
    assert other_shop.http.post(path).status_code == 404
    assert offers.http.post(f"/v1/{SUBSCRIPTIONS}/999999/confirmation").status_code == 404
    ask()
    confirm(offers, token_in(outside.client.messages()[0]))
    assert ask_again(offers, made).status_code == 409
    recipient("ada")
    nowhere = subscribe(offers, {"user_id": "ada", "channels": ["email"]})
    ask()
    assert ask_again(offers, nowhere).status_code == 409
    assert len(outside.client.messages()) == 1


def test_what_was_sent_is_forgotten_after_a_day(offers, outside, ask):
    subscribe(offers)
    ask()
    retention.purge()
    assert ConfirmationSent.objects.count() == 1
    later(timedelta(hours=25))
    retention.purge()
    assert ConfirmationSent.objects.count() == 0
