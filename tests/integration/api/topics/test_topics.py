"""Topics: who owns them, who was granted them, and what may be said about them."""

import pytest

from apps.topics.models import Topic
from apps.topics.selectors import get_topic, get_topic_by_id
from notifier.domain.priorities import Priority
from tests.support.publishers.api_client import Api

FULL = {
    "name": "order-updates",
    "display_name": "Your orders",
    "category": "orders",
    "default_priority": "high",
    "mandatory": True,
    "retry_policy": {"schedule": [1, 2.5, 60], "attempts": 5, "after_last": "dead_letter"},
    "delay": 30,
}


def test_a_topic_is_created_and_read_as_it_was_written(api: Api):
    made = api.post("topics", FULL, status=201)
    assert made == made | FULL | {"owner": "shop", "granted_to": []}
    assert api.get("topics/order-updates") == made


def test_a_topic_needs_a_name_only(api: Api):
    made = api.post("topics", {"name": "news"}, status=201)
    assert made["default_priority"] == "normal"
    assert made["mandatory"] is False
    assert made["retry_policy"] is None
    assert made["delay"] == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a/b"}, "/name"),
        ({"name": "ne\nws"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"default_priority": "urgent"}, "/default_priority"),
        ({"mandatory": "perhaps"}, "/mandatory"),
        ({"delay": -1}, "/delay"),
        ({"delay": 30 * 86400 + 1}, "/delay"),
        ({"retry_policy": {}}, "/retry_policy/schedule"),
        ({"retry_policy": {"schedule": [1] * 50}}, "/retry_policy/schedule"),
        ({"retry_policy": {"schedule": [1, -1]}}, "/retry_policy/schedule/1"),
        ({"retry_policy": {"schedule": [1], "jitter": 2}}, "/retry_policy/jitter"),
    ],
)
def test_what_a_topic_cannot_be_is_pointed_at(api: Api, change: dict, pointer: str):
    problem = api.post("topics", {"name": "news", **change}, status=400)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


def test_a_name_is_taken_once_among_all_publishers(api: Api, other: Api):
    api.post("topics", {"name": "news"}, status=201)
    for one in (api, other):
        problem = one.post("topics", {"name": "news"}, status=409)
        assert problem["type"] == "/problems/topic-exists"


def test_a_change_leaves_what_it_does_not_name(api: Api):
    made = api.post("topics", FULL, status=201)
    changed = api.patch("topics/order-updates", {"retry_policy": None, "mandatory": False})
    assert changed == made | {
        "retry_policy": None,
        "mandatory": False,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > made["updated_at"]


def test_a_topic_keeps_its_name(api: Api):
    api.post("topics", {"name": "news"}, status=201)
    problem = api.patch("topics/news", {"name": "old-news"}, status=400)
    assert problem["type"] == "/problems/unknown-field"


def test_a_deleted_topic_is_gone_and_its_name_is_free(api: Api):
    first = api.post("topics", {"name": "news", "category": "old"}, status=201)
    api.delete("topics/news")
    api.get("topics/news", status=404)
    api.get("topics/news/subscriptions", status=404)
    api.patch("topics/news", {}, status=404)
    api.delete("topics/news", status=404)
    assert api.get("topics")["data"] == []
    second = api.post("topics", {"name": "news"}, status=201)
    assert first["category"] == "old"
    assert second["category"] == ""


def test_what_was_accepted_for_a_deleted_topic_finds_it_by_id(api: Api):
    api.post("topics", FULL, status=201)
    topic = get_topic("order-updates")
    api.delete("topics/order-updates")
    assert get_topic("order-updates") is None
    assert get_topic_by_id(topic.id) == topic


def test_another_publishers_topic_does_not_exist(api: Api, other: Api):
    other.post("topics", {"name": "theirs"}, status=201)
    for method, path, body in [
        ("get", "topics/theirs", None),
        ("patch", "topics/theirs", {"delay": 1}),
        ("delete", "topics/theirs", None),
        ("put", "topics/theirs/grants/shop", None),
        ("delete", "topics/theirs/grants/shop", None),
        ("get", "topics/theirs/subscriptions", None),
        ("post", "topics/theirs/subscriptions", {"user_id": "ada", "channels": ["inbox"]}),
        ("delete", "topics/theirs/subscriptions/1", None),
        ("post", "topics/theirs/unsubscribe", {"user_id": "ada"}),
    ]:
        problem = api.call(method, path, body, status=404)
        assert problem["type"] == "/problems/not-found"
        assert problem["detail"] == api.call(
            method, path.replace("theirs", "nowhere"), body, status=404
        )["detail"].replace("nowhere", "theirs")
    assert api.get("topics")["data"] == []


def test_a_granted_topic_is_read_and_not_changed(api: Api, other: Api):
    other.post("topics", {"name": "theirs"}, status=201)
    other.put("topics/theirs/grants/shop", status=204)
    other.put("topics/theirs/grants/shop", status=204)
    assert other.get("topics/theirs")["granted_to"] == ["shop"]
    seen = api.get("topics/theirs")
    assert seen["owner"] == "other"
    assert seen["granted_to"] == []
    assert [topic["name"] for topic in api.get("topics")["data"]] == ["theirs"]
    for method, path, body in [
        ("get", "topics/theirs/subscriptions", None),
        ("patch", "topics/theirs", {"delay": 1}),
        ("delete", "topics/theirs", None),
        ("put", "topics/theirs/grants/shop", None),
        ("post", "topics/theirs/subscriptions", {"user_id": "ada", "channels": ["inbox"]}),
        ("post", "topics/theirs/unsubscribe", {"user_id": "ada"}),
    ]:
        assert api.call(method, path, body, status=403)["type"] == "/problems/forbidden"
    other.delete("topics/theirs/grants/shop")
    api.get("topics/theirs", status=404)


def test_a_grant_to_nobody_is_refused(api: Api):
    api.post("topics", {"name": "news"}, status=201)
    assert "nobody" in api.put("topics/news/grants/nobody", status=404)["detail"]


def test_pages_follow_each_other_without_gap_or_repetition(api: Api):
    names = [f"topic-{number}" for number in range(7)]
    for name in names:
        api.post("topics", {"name": name}, status=201)
    seen, query = [], {"limit": "3"}
    pages = 0
    while True:
        page = api.get("topics", **query)
        pages += 1
        assert set(page) == {"data", "next"}
        seen += [topic["name"] for topic in page["data"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == names
    assert pages == 3


def test_a_page_does_not_shift_when_rows_come_or_go(api: Api):
    for number in range(4):
        api.post("topics", {"name": f"topic-{number}"}, status=201)
    first = api.get("topics", limit="2")
    api.delete("topics/topic-0")
    second = api.get("topics", limit="2", cursor=first["next"])
    assert [topic["name"] for topic in second["data"]] == ["topic-2", "topic-3"]
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["x", "MTA", "1", "IjEi:abc:def"])
def test_a_made_up_cursor_is_refused(api: Api, cursor: str):
    assert api.get("topics", status=400, cursor=cursor)["type"] == "/problems/invalid-cursor"


def test_a_cursor_of_another_list_is_refused(api: Api):
    for name in ("a", "b"):
        api.post("topics", {"name": name}, status=201)
    cursor = api.get("topics", limit="1")["next"]
    assert api.get("recipients", status=400, cursor=cursor)["type"] == "/problems/invalid-cursor"


def test_the_snapshot_says_what_the_row_says(api: Api, other: Api):
    api.post("topics", FULL, status=201)
    api.put("topics/order-updates/grants/other", status=204)
    for _ in range(2):  # from the database, then from the cache
        topic = get_topic("order-updates")
        row = Topic.objects.get()
        assert topic.id == row.pk
        assert topic.publisher_id == row.publisher_id
        assert topic.granted_ids == {row.granted_to.get().pk}
        assert topic.category == "orders"
        assert topic.default_priority is Priority.HIGH
        assert topic.mandatory is True
        assert topic.retry_policy == FULL["retry_policy"]
        assert topic.delay == 30
