"""Categories are compared without case, so no spelling evades a refusal."""

from importlib import import_module

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.preferences.models import Preference, Recipient
from apps.topics.models import Topic
from tests.support.deliveries.old_spellings import (
    REFUSED,
    preference_as_before,
    topic_category_as_before,
)
from tests.support.publishers.inbox_app import ada
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import outcome

__all__ = ["ada"]  # a fixture

#: A category as it is refused, and as the topic spells it.
SPELLINGS = [
    ("marketing", "Marketing"),
    ("MARKETING", "marketing"),
    ("Größe", "GRÖSSE"),
    ("Cafe\u0301", "CAFÉ"),
    ("НОВОСТИ", "новости"),
    ("ΟΔΟΣ", "οδοσ"),
]


def topic_of(shop, category):
    """A topic made by the API, with its row."""
    shop.post("topics", {"name": "news", "category": category}, status=201)
    return Topic.objects.get()


def refuse(shop, category):
    requested = {"preferences": [{"category": category, "allowed": False}]}
    answer = shop.http.put("/v1/recipients/ada/preferences", requested, format="json")
    assert answer.status_code == 200, answer.json()
    return answer.json()["preferences"][0]["category"]


@pytest.mark.parametrize(("refused", "said"), SPELLINGS)
def test_a_refused_category_is_refused_in_every_case(shop, work, refused, said):
    ada = recipient("ada")
    topic = topic_of(shop, said)
    subscribe(topic, ada, "inbox")
    assert refuse(shop, refused) == shop.get("topics/news")["category"]
    assert outcome(shop, work, topic) == REFUSED


def test_a_topic_that_changes_its_category_stays_refused(shop, work):
    ada = recipient("ada")
    topic = topic_of(shop, "orders")
    subscribe(topic, ada, "inbox")
    refuse(shop, "marketing")
    assert outcome(shop, work, topic) == ("delivered", "")
    changed = shop.http.patch("/v1/topics/news", {"category": "MarketinG"}, format="json")
    assert changed.json()["category"] == "marketing"
    assert outcome(shop, work, topic) == REFUSED


def test_people_refuse_with_their_own_token_in_any_case(shop, ada, work):
    topic = topic_of(shop, "Marketing")
    subscribe(topic, Recipient.objects.get(), "inbox")
    requested = {"preferences": [{"category": "MARKETING", "allowed": False}]}
    said = ada.put("/v1/me/preferences", requested, format="json")
    assert said.json()["preferences"][0]["category"] == "marketing"
    assert outcome(shop, work, topic) == REFUSED


def test_a_refusal_that_comes_with_a_recipient_holds_in_any_case(shop, work):
    requested = {"preferences": [{"category": "MARKETING", "allowed": False}]}
    shop.http.put("/v1/recipients/ada", requested, format="json")
    people = {"recipients": [{"user_id": "bob", **requested}]}
    shop.http.post("/v1/recipients/bulk", people, format="json")
    assert set(Preference.objects.values_list("category")) == {("marketing",)}
    assert Preference.objects.count() == 2


def test_no_key_lifts_a_refusal_by_another_spelling(shop):
    recipient("ada")
    refuse(shop, "marketing")
    for allowed in (True, None):
        requested = {"preferences": [{"category": "Marketing", "allowed": allowed}]}
        answer = shop.http.patch("/v1/recipients/ada/preferences", requested, format="json")
        assert answer.json()["type"] == "/problems/protected"
    assert refuse(shop, "MARKETING") == "marketing"
    assert Preference.objects.count() == 1


def test_a_name_that_is_too_long_in_small_letters_is_refused(shop):
    answer = shop.post("topics", {"name": "long", "category": "ŉ" * 60}, status=400)
    assert answer["errors"][0]["pointer"] == "/category"


@pytest.fixture
def operator(transactional_db):
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def test_what_an_operator_writes_is_compared_without_case(shop, work, operator):
    ada = recipient("ada")
    requested = {"recipient": ada.pk, "channel": "", "category": "Marketing", "topic": ""}
    add = reverse("admin:preferences_preference_add")
    assert operator.post(add, requested).status_code == 302
    twice = operator.post(add, requested | {"category": "MARKETING"})
    assert "for this already" in twice.content.decode()
    topic = topic_of(shop, "orders")
    subscribe(topic, ada, "inbox")
    page = reverse("admin:topics_topic_change", args=[topic.pk])
    fields = {"name": "news", "publisher": shop.id, "default_priority": "normal", "delay": 0}
    fields |= {"category": "MarKeting", "retry_policy": "null"}
    assert operator.post(page, fields).status_code == 302
    assert outcome(shop, work, topic) == REFUSED
    assert Topic.objects.get().category == Preference.objects.get().category == "marketing"


# -- What was written before names were one ---------------------------------------------------


def _migrate():
    preferences = import_module("apps.preferences.migrations.0008_fold_categories")
    topics = import_module("apps.topics.migrations.0006_fold_categories")
    return preferences.fold_preferences(None, None), topics.fold_topics(None, None)


def _held():
    rows = Preference.objects.order_by("category", "channel")
    return list(rows.values_list("category", "channel", "allowed"))


@pytest.mark.parametrize(("refused", "said"), SPELLINGS)
def test_a_refusal_from_before_holds_for_a_topic_from_before(shop, work, refused, said):
    ada = recipient("ada")
    topic = shop.topic()
    topic_category_as_before(topic, said)
    subscribe(topic, ada, "inbox")
    preference_as_before(ada, refused, allowed=False)
    _migrate()
    assert _migrate() == (0, 0), "interrupted, it is run once more"
    assert outcome(shop, work, topic) == REFUSED


@pytest.mark.parametrize("refused", ["Marketing", "marketing", "MARKETING"])
def test_of_preferences_that_become_one_a_refusal_wins(shop, refused):
    ada, bob = recipient("ada"), recipient("bob")
    for spelling in ("Marketing", "marketing", "MARKETING"):
        preference_as_before(ada, spelling, allowed=spelling != refused, channel="sms")
    preference_as_before(bob, "Marketing", allowed=True)
    preference_as_before(bob, "MARKETING", allowed=True)
    _migrate()
    assert list(Preference.objects.filter(recipient=ada).values_list("allowed")) == [(False,)]
    assert list(Preference.objects.filter(recipient=bob).values_list("allowed")) == [(True,)]


def test_a_permission_for_one_channel_lets_nothing_through_that_another_spelling_refused(shop):
    ada = recipient("ada")
    preference_as_before(ada, "Marketing", allowed=False)
    preference_as_before(ada, "marketing", allowed=True, channel="sms")
    _migrate()
    assert _held() == [("marketing", "", False), ("marketing", "sms", False)]


def test_what_one_spelling_said_of_channels_stays(shop):
    ada = recipient("ada")
    preference_as_before(ada, "Marketing", allowed=False)
    preference_as_before(ada, "Marketing", allowed=True, channel="sms")
    preference_as_before(ada, "orders", allowed=True)
    preference_as_before(ada, "Any", allowed=False, topic_id=7)
    _migrate()
    assert _held() == [
        ("any", "", False),
        ("marketing", "", False),
        ("marketing", "sms", True),
        ("orders", "", True),
    ]


def test_more_people_than_a_batch_are_folded(shop, monkeypatch):
    folding = import_module("apps.preferences.migrations.0008_fold_categories")
    monkeypatch.setattr(folding, "BATCH", 2)
    for number in range(5):
        preference_as_before(
            Recipient.objects.create(user_id=f"p{number}"), "Marketing", allowed=False
        )
    assert folding.fold_preferences(None, None) == 5
    assert set(_held()) == {("marketing", "", False)}
