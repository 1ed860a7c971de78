"""Deduplication: equal notifications are accepted once, however many come at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.delivery.maintenance import retention
from apps.delivery.models import Deduplication, Notification
from tests.support.publishers.people import recipient

HELLO = {"body": "Hello"}


@pytest.fixture(autouse=True)
def _people(shop):
    for name in ("ada", "bob"):
        recipient(name)


def body(**fields):
    fields = {"user_ids": ["ada", "bob"], "channels": ["inbox"], "content": HELLO, **fields}
    return {"deduplicate_seconds": 600, **fields}


def age(**by):
    Deduplication.objects.update(until=timezone.now() - timedelta(**by))


def test_the_same_is_accepted_once_and_answered_as_the_first_with_a_mark(shop):
    first = shop.post("notifications", body())
    again = shop.post("notifications", body(user_ids=["bob", "ada"], deduplicate_seconds=1))
    assert again == {**first, "deduplicated": True}
    assert "deduplicated" not in first
    assert Notification.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"content": {"body": "Hello", "title": "!"}},
        {"user_ids": ["ada"]},
        {"channels": ["inbox", "push"]},
        {"fallback": {"channel": "sms", "after_seconds": 60}},
        {"deduplicate_seconds": None},
    ],
)
def test_what_differs_or_does_not_ask_is_accepted(shop, change):
    shop.post("notifications", body())
    changed = {key: value for key, value in body(**change).items() if value is not None}
    assert "deduplicated" not in shop.post("notifications", changed)
    assert Notification.objects.count() == 2


def test_topics_groups_and_publishers_are_different_audiences(shop, other_shop):
    for name in ("news", "more"):
        shop.topic(name)
    publish = {"content": HELLO, "channels": ["inbox"], "deduplicate_seconds": 600}
    first = shop.post("topics/news/publish", publish)
    shop.post("topics/more/publish", publish)
    shop.http.put("/v1/groups/team", {}, format="json")
    shop.post("groups/team/notify", publish)
    shop.post("notifications", body())
    other_shop.post("notifications", body())
    assert Notification.objects.count() == 5
    assert shop.post("topics/news/publish", publish) == {**first, "deduplicated": True}


def test_after_its_time_or_a_cancel_it_is_accepted_again(shop):
    first = shop.post("notifications", body())
    age(seconds=0)
    second = shop.post("notifications", body())
    assert second["id"] != first["id"]
    shop.post(f"notifications/{second['id']}/cancel", None, status=200)
    third = shop.post("notifications", body())
    assert third["id"] != second["id"]
    assert shop.post("notifications", body())["id"] == third["id"]


def test_each_of_a_batch_is_marked_for_itself(shop):
    one, other = body(), body(content={"body": "Other"})
    [item] = shop.post("notifications/batch", {"notifications": [one]})["results"]
    results = shop.post("notifications/batch", {"notifications": [other, one, other]})["results"]
    taken = [result["notification"] for result in results]
    assert [row.get("deduplicated") for row in taken] == [None, True, True]
    assert taken[1]["id"] == item["notification"]["id"]
    assert taken[2]["id"] == taken[0]["id"]
    assert Notification.objects.count() == 2


def test_what_was_refused_is_not_remembered(shop, settings):
    settings.QUOTA_PER_DAY = 0
    shop.post("notifications", body(), status=429)
    settings.QUOTA_PER_DAY = 10
    assert "deduplicated" not in shop.post("notifications", body())


def test_many_at_once_make_one(shop):
    answers, start = [], threading.Barrier(6)

    def post():
        try:
            start.wait()
            answers.append(shop.post("notifications", body()))
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Notification.objects.count() == 1
    assert len({answer["id"] for answer in answers}) == 1
    assert sorted("deduplicated" in answer for answer in answers) == [False] + [True] * 5


@pytest.mark.parametrize("seconds", [0, 86_401, 10**30, "x", 1.5, "1\0"])
def test_a_time_that_is_none_is_refused(shop, seconds):
    problem = shop.post("notifications", body(deduplicate_seconds=seconds), status=400)
    assert problem["errors"][0]["pointer"] == "/deduplicate_seconds"


def test_what_is_over_is_purged(shop):
    shop.post("notifications", body())
    retention.purge()
    assert Deduplication.objects.exists()
    age(hours=2)
    retention.purge()
    assert not Deduplication.objects.exists()
