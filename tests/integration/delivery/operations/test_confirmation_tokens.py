"""Tokens of confirmation that are forged, expired or about what has ended."""

from django.core.signing import TimestampSigner
from django.test import Client

from apps.preferences.models import Contact
from apps.topics.confirmation.tokens import link, token
from tests.support.deliveries.confirmations import (
    SUBSCRIPTIONS,
    confirm,
    page,
    state_of,
    subscribe,
    token_in,
)
from tests.support.publishers.people import recipient


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


def test_a_link_is_short_enough_for_a_text_message(settings):
    settings.PUBLIC_URL = "https://notify.example.com"
    assert len(link(token(10**9, 10**9))) < 160
