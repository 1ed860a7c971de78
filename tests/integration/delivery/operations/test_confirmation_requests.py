"""Topics that require confirmation: nothing but the request is sent to who has not confirmed.

Links and tokens are taken out of what arrived at the sandbox, as their receivers would.
"""

import io
import re
from datetime import timedelta

from apps.delivery.models import Delivery, Notification
from apps.delivery.operations import confirmations as sending
from apps.preferences.models import Preference
from apps.topics.models import Subscription
from apps.topics.selectors import get_topic
from apps.topics.subscriptions import csv_import
from tests.support.deliveries.confirmations import (
    ADA,
    SUBSCRIPTIONS,
    ask_again,
    confirm,
    later,
    page,
    state_of,
    subscribe,
    token_in,
)
from tests.support.publishers.people import recipient

HELLO = {"title": "Hello", "body": "There"}


def test_nothing_but_the_confirmation_request_is_sent_until_the_address_confirms(
    offers, outside, ask, work
):
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
    request = {"user_id": "ada", "channels": ["email"]}
    made = subscribe(offers, request)
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
    assert ask_again(offers, made).status_code == 202
    ask()
    assert len(sent_to(outside, "Messages from")) == 3, "only who has not confirmed"
    confirm(offers, token_in(question))
    posted = offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert offers.counts(posted) == {"email": {"accepted": 2}}
    assert added["channel"] == "email"


def test_who_leaves_and_comes_back_confirms_anew(offers, outside, ask, work):
    recipient("ada", email="ada@example.com")
    request = {"user_id": "ada", "channels": ["email"]}
    made = subscribe(offers, request)
    offers.post("recipients/ada/contacts", {**ADA, "address": "b@example.com"}, status=201)
    ask()
    first, second = (token_in(m) for m in outside.client.messages(channel="email"))
    confirm(offers, first)
    confirm(offers, second)
    offers.http.delete(f"/v1/{SUBSCRIPTIONS}/{made['id']}")
    assert subscribe(offers, request)["state"] == "pending"
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
    # A subscription's own policy may be older than the topic's requirement.
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
