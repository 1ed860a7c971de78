"""What recipients want and refuse."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import transaction

from apps.preferences.models import Preference, Recipient
from apps.preferences.preference_services import Wish, hold_preferences, replace_preferences
from apps.topics.models import Topic
from tests.integration.api.conftest import Api
from tests.integration.api.test_api_recipients import connected

NO_SMS = {"channel": "sms", "topic": None, "category": None, "allowed": False}
PATH = "recipients/ada/preferences"


@pytest.fixture(autouse=True)
def ada(api: Api) -> None:
    api.put("recipients/ada", {}, status=201)
    api.post("topics", {"name": "news"}, status=201)


def wish(**given: object) -> dict:
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
    assert sorted(written, key=key) == sorted((wish(**one) for one in wanted), key=key)
    assert Preference.objects.get(topic_id__isnull=False).topic_id == Topic.objects.get().pk
    refused = [one for one in wanted if not one["allowed"]]
    left = api.put(PATH, {"preferences": refused})
    assert left == {"preferences": [wish(category="marketing", allowed=False), NO_SMS]}
    assert api.get(PATH) == left


@pytest.mark.django_db(transaction=True)
def test_of_two_that_replace_preferences_at_once_the_second_one_counts(api: Api):
    """The first transaction is still open while the second is asked for."""
    ada = Recipient.objects.get(user_id="ada").pk
    written, commit = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            hold_preferences(ada)
            replace_preferences(ada, [], [Wish(ada, "sms", None, "", True)])
            written.set()
            commit.wait(10)

    def second() -> None:
        written.wait(10)
        api.put(PATH, {"preferences": [{"channel": "email", "allowed": True}]})

    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(connected, call) for call in (first, second)]
        # Nothing else to do for the second but to wait for the first.
        assert wait([calls[1]], timeout=0.5).not_done
        commit.set()
        for call in calls:
            call.result(timeout=10)
    assert api.get(PATH) == {"preferences": [wish(channel="email", allowed=True)]}


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
    assert sorted(merged, key=str) == sorted([wish(topic="news", allowed=True), NO_SMS], key=str)
    left = api.patch(PATH, {"preferences": [{"topic": "news", "allowed": None}]})
    assert left == {"preferences": [NO_SMS]}


def test_the_last_word_on_the_same_thing_counts(api: Api):
    both = [{"channel": "sms", "allowed": True}, {"channel": "sms", "allowed": False}]
    assert api.put(PATH, {"preferences": both}) == {"preferences": [NO_SMS]}


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
    assert other.get(PATH)["preferences"] == [wish(topic="theirs", allowed=False), NO_SMS]


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
