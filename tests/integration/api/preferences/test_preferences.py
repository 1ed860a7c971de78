"""Preferences of recipients."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import transaction

from apps.preferences.consent.services import (
    PreferenceUpdate,
    lock_preferences,
    replace_preferences,
)
from apps.preferences.models import Preference, Recipient
from apps.topics.models import Topic
from notifier.security.tokens import sign
from stack.supervision.process import PATIENCE
from tests.support.database import run_and_close
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.api_client import Api
from tests.support.waiting import somebody_waits, until

NO_SMS = {"channel": "sms", "topic": None, "category": None, "allowed": False}
PATH = "recipients/ada/preferences"


@pytest.fixture(autouse=True)
def ada(api: Api) -> None:
    api.put("recipients/ada", {}, status=201)
    api.post("topics", {"name": "news"}, status=201)


@pytest.fixture
def me(ada: None, settings: Any, django_capture_on_commit_callbacks: Any) -> Api:
    """The client of ada's app, with a token of hers."""
    secret = "0123456789abcdef0123456789abcdef"
    settings.INBOX_TOKENS = {
        "secret": secret,
        "jwks_url": "",
        "issuer": "",
        "audience": "",
        "longest": 600.0,
    }
    return Api("ada", sign(lasting({"sub": "ada"}), secret), django_capture_on_commit_callbacks)


def preference(**given: object) -> dict:
    return {"channel": None, "topic": None, "category": None, **given}


def test_preferences_are_replaced_by_put(api: Api):
    wanted = [
        {"channel": "sms", "allowed": False},
        {"channel": "sms", "topic": "news", "allowed": True},
        {"category": "marketing", "allowed": False},
        {"allowed": True},
    ]
    written = api.put(PATH, {"preferences": wanted})["preferences"]
    key = str
    assert sorted(written, key=key) == sorted((preference(**one) for one in wanted), key=key)
    assert Preference.objects.get(topic_id__isnull=False).topic_id == Topic.objects.get().pk
    refused = [one for one in wanted if not one["allowed"]]
    left = api.put(PATH, {"preferences": refused})
    assert left == {"preferences": [preference(category="marketing", allowed=False), NO_SMS]}
    assert api.get(PATH) == left


@pytest.mark.django_db(transaction=True)
def test_of_two_that_replace_preferences_at_once_the_second_one_counts(api: Api):
    """The first transaction is still open while the second is asked for."""
    ada = Recipient.objects.get(user_id="ada").pk
    written, commit = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            lock_preferences(ada)
            replace_preferences(ada, [], [PreferenceUpdate(ada, "sms", None, "", True)])
            written.set()
            commit.wait(PATIENCE)

    def second() -> None:
        written.wait(PATIENCE)
        api.put(PATH, {"preferences": [{"channel": "email", "allowed": True}]})

    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(run_and_close, call) for call in (first, second)]
        until(lambda: calls[1].done() or somebody_waits())
        assert not calls[1].done(), "it waits for the first"
        commit.set()
        for call in calls:
            call.result(timeout=PATIENCE)
    assert api.get(PATH) == {"preferences": [preference(channel="email", allowed=True)]}


def test_preferences_are_merged_by_patch_and_taken_back_with_null(api: Api):
    api.put(PATH, {"preferences": [{"channel": "sms", "allowed": True}]})
    merged = api.patch(
        PATH,
        {
            "preferences": [
                {"topic": "news", "allowed": True},
                {"channel": "sms", "allowed": False},
                {"channel": "email", "allowed": None},
            ]
        },
    )["preferences"]
    assert sorted(merged, key=str) == sorted(
        [preference(topic="news", allowed=True), NO_SMS], key=str
    )
    left = api.patch(PATH, {"preferences": [{"topic": "news", "allowed": None}]})
    assert left == {"preferences": [NO_SMS]}


SAME_THING = [
    [{"channel": "sms", "allowed": True}, {"channel": "sms", "topic": None, "allowed": False}],
    [{"category": "Marketing", "allowed": False}, {"category": "marketing", "allowed": True}],
    [{"topic": "news", "allowed": True}, {"topic": "news", "allowed": False}],
    [{"allowed": False}, {"channel": "", "category": None, "allowed": True}],
]


@pytest.mark.parametrize("both", SAME_THING)
def test_a_call_that_contradicts_itself_is_refused_with_a_pointer_at_either(
    api: Api, me: Api, both: list[dict]
):
    other = {"channel": "email", "allowed": True}
    wanted = {"preferences": [both[0], other, both[1]]}
    for write, path in [
        (api.put, PATH),
        (api.patch, PATH),
        (api.put, "recipients/ada"),
        (me.put, "me/preferences"),
    ]:
        problem = write(path, wanted, status=400)
        assert problem["type"] == "/problems/invalid-request"
        pointers = [error["pointer"] for error in problem["errors"]]
        assert pointers == [f"/preferences/{n}/allowed" for n in (0, 2)]
        assert "Preference 2 (counted from 0)" in problem["errors"][0]["detail"]
        assert "Preference 0 (counted from 0)" in problem["errors"][1]["detail"]
    assert api.get(PATH) == {"preferences": []}


def test_a_bulk_item_that_contradicts_itself_costs_the_others_nothing(api: Api):
    contradicting = {"user_id": "ada", "preferences": SAME_THING[1]}
    items = [contradicting, {"user_id": "bob", "preferences": SAME_THING[1][:1]}]
    refused, done = api.post("recipients/bulk", {"recipients": items})["results"]
    assert [error["pointer"] for error in refused["problem"]["errors"]] == [
        "/recipients/0/preferences/0/allowed",
        "/recipients/0/preferences/1/allowed",
    ]
    assert done["status"] == "created"
    assert api.get("recipients/bob/preferences")["preferences"] == [
        preference(category="marketing", allowed=False)
    ]


def test_taking_back_what_the_same_call_wants_is_a_contradiction(api: Api):
    both = [{"channel": "sms", "allowed": False}, {"channel": "sms", "allowed": None}]
    api.patch(PATH, {"preferences": both}, status=400)
    assert api.get(PATH) == {"preferences": []}


def test_the_same_preference_twice_is_one(api: Api):
    twice = [{"channel": "sms", "allowed": False}, {"channel": "sms", "allowed": False}]
    for write in (api.put, api.patch):
        assert write(PATH, {"preferences": twice}) == {"preferences": [NO_SMS]}
    spelt = [{"category": "Offers", "allowed": False}, {"category": "offers", "allowed": False}]
    assert api.put("recipients/ada", {"preferences": spelt})
    both = [NO_SMS, preference(category="offers", allowed=False)]
    assert sorted(api.get(PATH)["preferences"], key=str) == sorted(both, key=str)


def test_unknown_topics_are_named_and_nothing_is_written(api: Api):
    wanted = [
        {"channel": "sms", "allowed": False},
        {"topic": "nwes", "allowed": True},
        {"topic": "sprots", "allowed": True},
    ]
    for method in (api.put, api.patch):
        problem = method(PATH, {"preferences": wanted}, status=400)
        assert problem["type"] == "/problems/unknown-topic"
        assert [error["pointer"] for error in problem["errors"]] == [
            "/preferences/1/topic",
            "/preferences/2/topic",
        ]
        assert "'nwes'" in problem["errors"][0]["detail"]
    assert api.get(PATH) == {"preferences": []}


def test_preferences_for_other_publishers_topics_are_neither_seen_nor_touched(api: Api, other: Api):
    other.post("topics", {"name": "theirs"}, status=201)
    other.put(PATH, {"preferences": [{"topic": "theirs", "allowed": False}]})
    assert api.get(PATH) == {"preferences": []}
    problem = api.put(PATH, {"preferences": [{"topic": "theirs", "allowed": True}]}, status=400)
    assert problem["type"] == "/problems/unknown-topic"
    api.put(PATH, {"preferences": [{"channel": "sms", "allowed": False}]})
    assert other.get(PATH)["preferences"] == [preference(topic="theirs", allowed=False), NO_SMS]


@pytest.mark.parametrize(
    ("one", "pointer"),
    [
        ({"channel": "fax", "allowed": True}, "/preferences/0/channel"),
        ({"channel": "sms"}, "/preferences/0/allowed"),
        ({"topic": "news", "category": "x", "allowed": True}, "/preferences/0/category"),
        ({"chanel": "sms", "allowed": True}, "/preferences/0/chanel"),
        ({"channel": "sms", "allowed": None}, "/preferences/0/allowed"),
    ],
)
def test_what_a_preference_cannot_be_is_pointed_at(api: Api, one: dict, pointer: str):
    problem = api.put(PATH, {"preferences": [one]}, status=400)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_preferences_come_with_a_recipient_and_are_merged(api: Api):
    api.put("recipients/ada", {"preferences": [{"topic": "news", "allowed": True}]})
    api.put("recipients/ada", {"preferences": [{"channel": "sms", "allowed": False}]})
    assert len(api.get(PATH)["preferences"]) == 2
