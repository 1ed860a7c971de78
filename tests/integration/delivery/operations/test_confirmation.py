"""Topics that require confirmation: nothing is sent to whoever has not confirmed but the question.

Links and tokens are taken out of what arrived at the sandbox, as their receivers would.
"""

import io
import re
import threading
from datetime import timedelta

import pytest
from django.core.signing import TimestampSigner
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from apps.delivery import tasks
from apps.delivery.maintenance import retention
from apps.delivery.models import Delivery, Notification
from apps.delivery.operations import confirmations as sending
from apps.preferences.models import Contact, Preference
from apps.publishers.models import AuditEvent
from apps.topics.confirmation import requests
from apps.topics.confirmation.tokens import link, token
from apps.topics.models import ConfirmationSent, Subscription
from apps.topics.selectors import get_topic
from apps.topics.subscriptions import csv_import
from stack.supervision.process import PATIENCE
from tests.integration.delivery.conftest import recipient

HELLO = {"title": "Hello", "body": "There"}
ADA = {"channel": "email", "address": "ada@example.com"}
SUBSCRIPTIONS = "topics/offers/subscriptions"


@pytest.fixture
def outside(providers, settings):
    """The sandbox, a webhook's receiver as well."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
        },
    }
    settings.PUBLIC_URL = "https://notify.example.com"
    return providers


@pytest.fixture
def offers(shop):
    """A topic that requires confirmation."""
    body = {"name": "offers", "display_name": "The shop's offers", "requires_confirmation": True}
    assert shop.post("topics", body, status=201)["requires_confirmation"] is True
    return shop


@pytest.fixture
def ask(work):
    """What beat and the workers do."""

    def run() -> None:
        tasks.confirmations.apply(throw=True)
        work()

    return run


def subscribe(shop, wish=ADA, topic="offers"):
    (made,) = shop.post(f"topics/{topic}/subscriptions", wish, status=200)["subscriptions"]
    return made


def state_of(shop, made):
    rows = shop.get(SUBSCRIPTIONS)["data"]
    return {row["id"]: row["state"] for row in rows}[made["id"]]


def token_in(message):
    return re.search(r"https://notify\.example\.com/v1/confirmations/([^\s\"'<>?]+)", str(message))[
        1
    ]


def page(path, method="get", **options):
    """What a browser sees, with the CSRF protection of a real request."""
    return getattr(Client(enforce_csrf_checks=True), method)(f"/v1/confirmations/{path}", **options)


def confirm(shop, token, status=200):
    answer = Client().post("/v1/confirmations", {"token": token}, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


# -- The question and the answer --------------------------------------------------------------


def test_nothing_but_the_question_is_sent_until_the_address_confirms(offers, outside, ask, work):
    made = subscribe(offers)
    assert made["state"] == "pending"
    before = offers.post("topics/offers/publish", {"content": HELLO})
    ask()
    [question] = outside.client.messages(channel="email")
    assert question["address"] == "ada@example.com"
    assert "The shop's offers" in str(question["content"]).replace("&#x27;", "'")
    assert offers.counts(before) == {}
    confirmed = confirm(offers, token_in(question))
    assert confirmed == {"topic": "offers", "channel": "email", "state": "active"}
    assert state_of(offers, made) == "active"
    after = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert offers.counts(after) == {"email": {"accepted": 1}}
    assert confirm(offers, token_in(question)) == confirmed, "again, and it still is"


def test_opening_the_link_shows_a_page_and_its_button_confirms(offers, outside, ask):
    made = subscribe(offers)
    ask()
    [question] = outside.client.messages(channel="email")
    path = token_in(question)
    for query in ("", "?confirm=1"):  # a mail scanner may follow whatever it finds
        opened = page(path + query)
        assert opened.status_code == 200 and "Yes, confirm" in opened.content.decode()
        assert page(path + query, "head").status_code == 200
        assert state_of(offers, made) == "pending"
    policy = opened.headers["Content-Security-Policy"]
    [nonce] = re.findall(r'<style nonce="([^"]+)">', opened.content.decode())
    assert policy.startswith("default-src 'none'") and f"'nonce-{nonce}'" in policy
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    pushed = page(path, "post")
    assert pushed.status_code == 200 and "Confirmed" in pushed.content.decode()
    assert state_of(offers, made) == "active"
    again = page(path)
    assert "Confirmed" in again.content.decode() and "Yes, confirm" not in again.content.decode()


def test_a_webhook_is_asked_as_sns_does_it_and_may_follow_the_link(offers, outside, ask):
    url = f"{outside.config['webhook']['base_url']}/offers"
    made = subscribe(offers, {"channel": "webhook", "address": url})
    outside.client.register_webhook("offers", made["secret"])
    ask()
    [question] = outside.client.messages(channel="webhook")
    assert question["status"] == 204, "the signature was right"
    content = question["content"]
    assert content["type"] == "subscription.confirmation"
    assert set(content["data"]) == {"topic", "token", "subscribe_url"}
    assert content["data"]["topic"] == "offers"
    path = content["data"]["subscribe_url"].removeprefix(
        "https://notify.example.com/v1/confirmations/"
    )
    assert page(content["data"]["token"]).status_code == 200
    assert page(path, "head").status_code == 200
    assert state_of(offers, made) == "pending"
    assert page(path).status_code == 200
    assert state_of(offers, made) == "active"


def test_every_address_of_a_recipient_is_asked_and_only_who_confirms_is_sent_to(
    offers, outside, ask, work
):
    person = recipient("ada", email="ada@example.com")
    other = {"channel": "email", "address": "lovelace@example.com"}
    offers.post("recipients/ada/contacts", other, status=201)
    Preference.objects.create(recipient=person, channel="email", allowed=False)
    wish = {"user_id": "ada", "channels": ["email"]}
    made = subscribe(offers, wish)
    ask()
    questions = outside.client.messages(channel="email")
    assert {q["address"] for q in questions} == {"ada@example.com", "lovelace@example.com"}
    confirm(offers, token_in(questions[0]))
    assert state_of(offers, made) == "active"
    Preference.objects.all().delete()
    posted = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert offers.counts(posted) == {"email": {"accepted": 1}}
    [sent] = sent_to(outside, "Hello")
    assert sent == questions[0]["address"]
    confirm(offers, token_in(questions[1]))
    posted = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert offers.counts(posted) == {"email": {"accepted": 2}}


def sent_to(outside, title):
    found = outside.client.messages(channel="email")
    return [message["address"] for message in found if title in str(message["content"])]


def test_an_address_that_is_added_later_is_asked_at_once_and_sent_nothing_else(
    offers, outside, ask, work
):
    recipient("ada", email="ada@example.com")
    made = subscribe(offers, {"user_id": "ada", "channels": ["email"]})
    ask()
    confirm(offers, token_in(outside.client.messages(channel="email")[0]))
    other = {"channel": "email", "address": "eve@example.com"}
    added = offers.post("recipients/ada/contacts", other, status=201)
    posted = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert offers.counts(posted) == {"email": {"accepted": 1}}
    assert sent_to(outside, "Hello") == ["ada@example.com"]
    ask()
    [question] = [m for m in outside.client.messages() if m["address"] == "eve@example.com"]
    offers.post("recipients/ada/contacts", other, status=200)
    ask()
    assert len(outside.client.messages()) == 3, "registered again, it is not asked again"
    assert state_of(offers, made) == "active"
    later(timedelta(minutes=11))
    assert again(offers, made).status_code == 202
    ask()
    assert len(sent_to(outside, "Messages from")) == 3, "only who has not confirmed"
    confirm(offers, token_in(question))
    posted = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert offers.counts(posted) == {"email": {"accepted": 2}}
    assert added["channel"] == "email"


def test_who_leaves_and_comes_back_confirms_anew(offers, outside, ask, work):
    recipient("ada", email="ada@example.com")
    wish = {"user_id": "ada", "channels": ["email"]}
    made = subscribe(offers, wish)
    offers.post("recipients/ada/contacts", {**ADA, "address": "b@example.com"}, status=201)
    ask()
    first, second = (token_in(m) for m in outside.client.messages(channel="email"))
    confirm(offers, first)
    confirm(offers, second)
    offers.http.delete(f"/v1/{SUBSCRIPTIONS}/{made['id']}")
    assert subscribe(offers, wish)["state"] == "pending"
    confirm(offers, first)
    posted = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert offers.counts(posted) == {"email": {"accepted": 1}}


def test_an_endpoint_that_was_never_asked_gets_nothing_after_the_last_attempt(
    offers, outside, ask, work, wake
):
    instead = {"channel": "email", "address": "eve@example.com"}
    policy = {"schedule": [], "after_last": instead}
    for path, body in (
        ("topics", {"name": "t", "requires_confirmation": True, "retry_policy": policy}),
        (SUBSCRIPTIONS, {**ADA, "retry_policy": policy}),
    ):
        problem = offers.post(path, body, status=400)
        assert "webhook" in str(problem["errors"])
    answer = offers.http.patch("/v1/topics/offers", {"retry_policy": policy}, format="json")
    assert answer.status_code == 400
    offers.post("topics", {"name": "later", "retry_policy": policy}, status=201)
    answer = offers.http.patch("/v1/topics/later", {"requires_confirmation": True}, format="json")
    assert answer.status_code == 400
    # A subscription's own policy may be older than the topic's wish for confirmation.
    offers.http.patch("/v1/topics/offers", {"requires_confirmation": False}, format="json")
    subscribe(offers, {**ADA, "retry_policy": policy})
    offers.http.patch("/v1/topics/offers", {"requires_confirmation": True}, format="json")
    outside.client.behave("sendgrid", "500")
    posted = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    outside.client.heal()
    assert offers.counts(posted) == {"email": {"dead": 1}}
    wake()
    work()
    assert outside.client.messages(address="eve@example.com") == []
    assert len(offers.get("dead-letters")["data"]) == 1


def test_phones_are_asked_too(offers, outside, ask):
    by_sms = subscribe(offers, {"channel": "sms", "address": "+436601234567"})
    by_push = subscribe(offers, {"channel": "push", "address": "ab" * 32, "platform": "ios"})
    ask()
    for channel, made in (("sms", by_sms), ("push", by_push)):
        [question] = outside.client.messages(channel=channel)
        assert state_of(offers, made) == "pending"
        confirm(offers, token_in(question))
        assert state_of(offers, made) == "active"


def test_a_suppressed_address_is_not_even_asked(offers, outside, ask):
    offers.post("suppressions", ADA, status=201)
    subscribe(offers)
    ask()
    assert outside.client.messages() == []
    assert Delivery.objects.get().reason == "manual"


def test_only_who_subscribes_from_then_on_is_asked(shop, outside, ask):
    shop.post("topics", {"name": "offers"}, status=201)
    before = subscribe(shop)
    assert before["state"] == "active"
    answer = shop.http.patch(
        "/v1/topics/offers", {"requires_confirmation": True}, format="json"
    ).json()
    assert answer["requires_confirmation"] is True
    assert subscribe(shop) == before, "who is subscribed stays so"
    results = shop.post(
        SUBSCRIPTIONS,
        {"subscriptions": [{"channel": "email", "address": "bob@example.com"}]},
        status=200,
    )["results"]
    assert results[0]["subscriptions"][0]["state"] == "pending"


def test_an_import_asks_too_and_never_with_high_priority(offers, outside, ask, monkeypatch):
    monkeypatch.setattr(sending, "AT_ONCE", 2)
    file = io.StringIO()
    file.writelines(f'{{"channel": "email", "address": "p{n}@example.com"}}\n' for n in range(3))
    file.seek(0)
    lines = csv_import.read_jsonl(file)
    list(csv_import.run(get_topic("offers"), lines, create_recipients=False))
    assert set(Subscription.objects.values_list("state", flat=True)) == {"pending"}
    ask()
    asked = Notification.objects.filter(kind="confirmation")
    assert set(asked.values_list("priority", flat=True)) == {"normal"}
    assert len(outside.client.messages()) == 2
    ask()
    ask()
    assert len(outside.client.messages()) == 3
    assert asked.latest("id").priority == "high", "the last one alone"


def test_the_question_is_none_of_the_publishers_notifications(offers, outside, ask):
    subscribe(offers)
    ask()
    asked = Notification.objects.get()
    assert offers.get("notifications")["data"] == []
    for path in ("", "/deliveries"):
        offers.get(f"notifications/{asked.pk}{path}", status=404)
    offers.post(f"notifications/{asked.pk}/cancel", None, status=404)
    usage = str(offers.get("usage"))
    assert offers.get("usage")["quota"]["used"] == 0 and "'accepted': 1" not in usage


def test_who_left_before_the_question_was_sent_is_not_asked(offers, outside, ask):
    made = subscribe(offers)
    assert offers.http.delete(f"/v1/{SUBSCRIPTIONS}/{made['id']}").status_code == 204
    ask()
    assert outside.client.messages() == []


def test_a_topic_that_is_gone_asks_nobody(offers, outside, ask):
    subscribe(offers)
    assert offers.http.delete("/v1/topics/offers").status_code == 204
    ask()
    assert outside.client.messages() == []
    assert Subscription.objects.get().confirm_at is None


# -- Tokens that confirm nothing --------------------------------------------------------------


def test_a_forged_or_shortened_token_confirms_nothing(offers, outside, ask):
    made = subscribe(offers)
    contact = Contact.objects.get().pk
    good = token(made["id"], contact)
    signed_otherwise = TimestampSigner(salt="else", sep=".").sign(f"{made['id']}-{contact}")
    for bad in (good[:-1], good.replace("-", "-9", 1), signed_otherwise, "x", "1-2.x.y", "ü-1.2.3"):
        problem = confirm(offers, bad, status=400)
        assert problem["type"] == "/problems/invalid-confirmation"
        for method in ("get", "post"):
            answer = page(bad, method)
            assert answer.status_code == 400 and "not valid" in answer.content.decode()
    assert state_of(offers, made) == "pending"


def test_a_token_expires(offers, outside, ask, settings):
    made = subscribe(offers)
    ask()
    [question] = outside.client.messages(channel="email")
    settings.CONFIRMATION_HOURS = 0
    problem = confirm(offers, token_in(question), status=410)
    assert problem["type"] == "/problems/expired-confirmation"
    assert page(token_in(question), "post").status_code == 410
    assert state_of(offers, made) == "pending"


def test_a_token_of_what_has_ended_confirms_nothing(offers, outside, ask):
    made = subscribe(offers)
    ask()
    [question] = outside.client.messages(channel="email")
    offers.http.delete(f"/v1/{SUBSCRIPTIONS}/{made['id']}")
    assert confirm(offers, token_in(question), status=409)["type"] == "/problems/conflict"
    assert page(token_in(question), "post").status_code == 409
    assert state_of(offers, made) == "unsubscribed"


def test_an_address_that_was_taken_away_cannot_confirm(offers, outside, ask):
    recipient("ada", email="ada@example.com")
    made = subscribe(offers, {"user_id": "ada", "channels": ["email"]})
    ask()
    [question] = outside.client.messages(channel="email")
    [row] = offers.get("recipients/ada")["contacts"]
    offers.http.delete(f"/v1/recipients/ada/contacts/{row['id']}")
    confirm(offers, token_in(question), status=409)
    assert state_of(offers, made) == "pending"


def test_a_body_that_is_none_is_refused(db):
    for body in ({}, {"token": None}, {"token": 7}, {"token": "a", "x": 1}, []):
        answer = Client().post("/v1/confirmations", body, content_type="application/json")
        assert answer.status_code == 400, body


# -- How often --------------------------------------------------------------------------------


def later(by):
    """As if so much time had passed."""
    ConfirmationSent.objects.update(sent_at=F("sent_at") - by)
    Subscription.objects.update(confirm_at=F("confirm_at") - by)


def again(shop, made):
    return shop.http.post(f"/v1/{SUBSCRIPTIONS}/{made['id']}/confirmation")


def test_a_question_is_sent_again_but_not_within_ten_minutes(offers, outside, ask):
    made = subscribe(offers)
    ask()
    refused = again(offers, made)
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/rate-limited"
    assert 590 <= int(refused.headers["Retry-After"]) <= 600
    ask()
    assert len(outside.client.messages()) == 1
    later(timedelta(minutes=11))
    answer = again(offers, made)
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
    refused = again(offers, made)
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
    assert again(offers, made).status_code == 409
    recipient("ada")
    nowhere = subscribe(offers, {"user_id": "ada", "channels": ["email"]})
    ask()
    assert again(offers, nowhere).status_code == 409
    assert len(outside.client.messages()) == 1


def test_what_was_sent_is_forgotten_after_a_day(offers, outside, ask):
    subscribe(offers)
    ask()
    retention.purge()
    assert ConfirmationSent.objects.count() == 1
    later(timedelta(hours=25))
    retention.purge()
    assert ConfirmationSent.objects.count() == 0


def test_a_link_is_short_enough_for_a_text_message(settings):
    settings.PUBLIC_URL = "https://notify.example.com"
    assert len(link(token(10**9, 10**9))) < 160
