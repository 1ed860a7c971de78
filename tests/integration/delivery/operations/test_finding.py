"""A publisher finds its notifications, and the deliveries to a person, by what it knows of them."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.api import pagination
from apps.delivery.models import Delivery, Notification
from tests.support.publishers.people import recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}
BOTH = {"channels": ["inbox", "sms"], "content": HELLO}


@pytest.fixture(autouse=True)
def _people(shop):
    for name in ("ada", "bob"):
        recipient(name)


def post(shop, user_id="ada", **fields):
    return shop.post("notifications", {"user_id": user_id, **BOTH, **fields})["id"]


def ids(shop, **query):
    """The ids on all pages of the list."""
    return [row["id"] for page in pages(shop, "notifications", **query) for row in page]


def pages(shop, path, **query):
    found = []
    while True:
        page = shop.get(path, **query)
        found.append(page["data"])
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def test_a_reference_leads_to_all_that_was_posted_with_it(shop, other_shop):
    first, second = post(shop, reference="order-7"), post(shop, "bob", reference="order-7")
    post(shop, reference="order-70")
    post(other_shop, reference="order-7")
    assert ids(shop, reference="order-7") == [second, first]
    assert ids(shop, reference="order-7", limit=1) == [second, first]
    assert ids(shop, reference="order") == []


def test_criteria_are_combined(shop, work):
    subscribe(shop.topic("news", category="offers"), recipient("cyd"), "inbox")
    named = post(shop, reference="order-7", send_at=(timezone.now() + timedelta(1)).isoformat())
    news = {"content": HELLO, "reference": "order-7"}
    published = shop.post("topics/news/publish", news)["id"]
    work()
    assert ids(shop, topic="news") == [published]
    assert ids(shop, topic="olds") == []
    assert ids(shop, category="default") == [named]
    assert ids(shop, reference="order-7", topic="news", state="done") == [published]
    assert ids(shop, reference="order-7", topic="news", state="scheduled") == []
    assert ids(shop, reference="order-7", category="offers", user_id="cyd") == [published]
    assert ids(shop, user_id="cyd", category="default") == []
    assert ids(shop, user_id="nobody") == []


def test_each_state_is_found_as_it_is_shown(shop, work):
    posted = {"done": post(shop)}
    work()
    posted["sending"] = post(shop)
    posted["scheduled"] = post(shop, send_at=(timezone.now() + timedelta(1)).isoformat())
    posted["cancelled"] = post(shop, send_at=(timezone.now() + timedelta(1)).isoformat())
    shop.post(f"notifications/{posted['cancelled']}/cancel", None, status=200)
    for state, key in posted.items():
        assert shop.get(f"notifications/{key}")["state"] == state
        assert ids(shop, state=state) == [key]
    assert ids(shop, user_id="ada", state="done") == [posted["done"]]
    assert ids(shop, user_id="ada", state="sending") == []


def test_those_in_a_rare_state_are_looked_for_a_part_at_a_time(shop, work, monkeypatch):
    keys = [post(shop) for _ in range(5)]
    work()
    keys += [post(shop), post(shop)]
    monkeypatch.setattr(pagination, "READ_THROUGH", 3)
    found = pages(shop, "notifications", state="done")
    assert [[row["id"] for row in page] for page in found] == [[keys[4]], keys[3:0:-1], [keys[0]]]
    found = pages(shop, "notifications", state="done", limit=1)
    assert [row["id"] for page in found for row in page] == keys[4::-1]


def test_times_bound_a_search_to_the_moment(shop):
    keys = [post(shop, reference="order-7") for _ in range(3)]
    middle = shop.get(f"notifications/{keys[1]}")["created_at"]
    for by in ({}, {"reference": "order-7"}):
        assert ids(shop, since=middle, **by) == [keys[2], keys[1]]
        assert ids(shop, until=middle, **by) == [keys[0]]
    after = (datetime.fromisoformat(middle) + timedelta(microseconds=1)).isoformat()
    assert ids(shop, since=middle, until=after) == [keys[1]]
    ends = {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}
    assert ids(shop, **ends) == [*reversed(keys)]
    problem = shop.get("notifications", since=middle, until=middle, status=400)
    assert problem["errors"] == [
        {"parameter": "until", "detail": "It must be after since, or nothing would be found."}
    ]


def test_what_was_accepted_by_a_process_with_another_clock_is_found_by_its_time(shop):
    key = post(shop)
    row = Notification.objects.get(pk=key)
    at = row.created_at - timedelta(seconds=30)
    Notification.objects.update(created_at=at)
    assert ids(shop, until=(at + timedelta(seconds=1)).isoformat()) == [key]
    Notification.objects.update(created_at=row.created_at + timedelta(seconds=30))
    assert ids(shop, since=(row.created_at + timedelta(seconds=29)).isoformat()) == [key]


def test_a_person_has_each_notification_once_however_many_deliveries_it_has(shop, work):
    first, second = post(shop), post(shop)
    post(shop, "bob")
    work()
    third = post(shop)
    work()
    assert Delivery.objects.count() == 8
    for limit in (1, 2, 3):
        assert ids(shop, user_id="ada", limit=limit) == [third, second, first]


def test_a_person_has_each_notification_once_however_much_of_it_a_page_examines(
    shop, work, monkeypatch
):
    keys = []
    for _ in range(5):
        keys.append(post(shop))
        work()
    for most in range(1, 12):
        monkeypatch.setattr(pagination, "MOST_EXAMINED", most)
        assert ids(shop, user_id="ada") == keys[::-1]


def test_what_waits_to_be_sent_to_a_person_is_not_listed_until_it_is(shop, work):
    key = post(shop)
    assert ids(shop, user_id="ada") == []
    work()
    assert ids(shop, user_id="ada") == [key]


def test_only_a_topics_owner_finds_what_went_to_its_subscribers(shop, other_shop, work):
    topic = shop.topic("news")
    topic.granted_to.add(other_shop.id)
    person = recipient("cyd")
    subscribe(topic, person, "inbox")
    shop.post("topics/news/publish", {"content": HELLO})
    other_shop.post("topics/news/publish", {"content": HELLO})
    own = post(other_shop, "cyd", channels=["inbox"])
    work()
    assert len(ids(shop, user_id="cyd")) == 1
    assert ids(other_shop, user_id="cyd") == [own]
    assert len(ids(other_shop, topic="news")) == 1
    for publisher, seen in ((shop, {"news"}), (other_shop, {None})):
        [page] = pages(publisher, "recipients/cyd/deliveries")
        assert {row["topic"] for row in page} == seen
        assert {row["user_id"] for row in page} == {"cyd"}


def test_a_persons_deliveries_are_listed_newest_first_and_filtered(shop, work):
    first = post(shop, reference="order-7")
    work()
    second = post(shop)
    work()
    path = "recipients/ada/deliveries"
    every = [row for page in pages(shop, path, limit=3) for row in page]
    assert [row["notification_id"] for row in every] == [second, second, first, first]
    assert [row["reference"] for row in every] == ["", "", "order-7", "order-7"]
    [page] = pages(shop, path, state="suppressed", channel="sms")
    assert [(row["reason"], row["channel"]) for row in page] == [("no_address", "sms")] * 2
    [page] = pages(shop, path, since=every[1]["created_at"])
    assert {row["notification_id"] for row in page} == {second}
    assert pages(shop, "recipients/bob/deliveries") == [[]]
    assert shop.get("recipients/nobody/deliveries", status=404)["type"] == "/problems/not-found"


def test_a_persons_deliveries_and_notifications_are_looked_for_a_part_at_a_time(
    shop, other_shop, work, monkeypatch
):
    key = post(shop, channels=["inbox"])
    work()
    for _ in range(4):
        post(other_shop, channels=["inbox"])
        work()
    monkeypatch.setattr(pagination, "MOST_EXAMINED", 2)
    for path, name in (
        ("notifications?user_id=ada", "id"),
        ("recipients/ada/deliveries", "notification_id"),
    ):
        path, _, query = path.partition("?")
        asked = dict([query.split("=")]) if query else {}
        found = pages(shop, path, **asked)
        assert [[row[name] for row in page] for page in found] == [[], [], [key]]


def test_a_cursor_is_of_one_order_only(shop, work):
    post(shop)
    post(shop)
    work()
    by_time = shop.get("notifications", limit=1)["next"]
    by_person = shop.get("notifications", limit=1, user_id="ada")["next"]
    for query in ({"cursor": by_person}, {"cursor": by_time, "user_id": "ada"}):
        problem = shop.get("notifications", status=400, **query)
        assert problem["type"] == "/problems/invalid-cursor"


@pytest.mark.parametrize(
    ("path", "query", "index"),
    [
        ("notifications", {}, "notification_newest"),
        ("notifications", {"state": "done", "category": "a"}, "notification_newest"),
        ("notifications", {"since": "2026-01-01T00:00:00Z"}, "notification_newest"),
        ("notifications", {"reference": "order-7"}, "notification_of_reference"),
        ("notifications", {"reference": "order-7", "topic": "news"}, "notification_of_reference"),
        ("notifications", {"topic": "news", "state": "done"}, "notification_of_topic"),
        ("notifications", {"user_id": "ada", "topic": "news"}, "delivery_of_recipient"),
        ("recipients/ada/deliveries", {"state": "failed"}, "delivery_of_recipient"),
    ],
)
def test_an_index_leads_to_the_rows_in_their_order(shop, path, query, index):
    shop.topic("news")
    with CaptureQueriesContext(connection) as asked:
        shop.get(path, **query)
    table = "delivery_delivery" if index.startswith("delivery") else "delivery_notification"
    walks = [
        one["sql"]
        for one in asked.captured_queries
        if re.search(rf'FROM "{table}".* LIMIT (20000|51)\b', one["sql"])
    ]
    assert walks
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {walks[0]}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")
    assert index in plan and "Sort" not in plan, plan
