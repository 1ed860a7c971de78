"""What recipients want and refuse."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import transaction

from apps.preferences import services
from apps.preferences.models import Preference, Recipient
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
    assert api.put(PATH, {"preferences": wanted[:1]}) == {"preferences": [NO_SMS]}
    assert api.put(PATH, {"preferences": []}) == api.get(PATH) == {"preferences": []}


@pytest.mark.django_db(transaction=True)
def test_of_two_that_replace_preferences_at_once_the_second_one_counts(api: Api):
    """The first transaction is still open while the second is asked for."""
    ada = Recipient.objects.get(user_id="ada").pk
    written, commit = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic():
            services.hold_preferences(ada)
            services.replace_preferences(ada, [], [services.Wish(ada, "sms", None, "", False)])
            written.set()
            commit.wait(10)

    def second() -> None:
        written.wait(10)
        api.put(PATH, {"preferences": [{"channel": "email", "allowed": False}]})

    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(connected, call) for call in (first, second)]
        # Nothing else to do for the second but to wait for the first.
        assert wait([calls[1]], timeout=0.5).not_done
        commit.set()
        for call in calls:
            call.result(timeout=10)
    assert api.get(PATH) == {"preferences": [wish(channel="email", allowed=False)]}


def test_preferences_are_merged_by_patch_and_taken_back_with_null(api: Api):
    api.put(PATH, {"preferences": [{"channel": "sms", "allowed": False}]})
    merged = api.patch(
        PATH,
        {
            "preferences": [
                {"topic": "news", "allowed": False},
                {"channel": "sms", "allowed": True},
                {"channel": "email", "allowed": None},
            ]
        },
    )["preferences"]
    assert sorted(merged, key=str) == sorted(
        [wish(topic="news", allowed=False), wish(channel="sms", allowed=True)], key=str
    )
    left = api.patch(
        PATH,
        {"preferences": [{"topic": "news", "allowed": None}, {"channel": "sms", "allowed": None}]},
    )
    assert left == {"preferences": []}


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
    api.put("recipients/ada", {"preferences": [{"channel": "sms", "allowed": False}]})
    api.put("recipients/ada", {"preferences": [{"topic": "news", "allowed": True}]})
    assert len(api.get(PATH)["preferences"]) == 2
