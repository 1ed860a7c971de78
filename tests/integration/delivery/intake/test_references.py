"""References and metadata: what a publisher knows a notification by, which nobody is sent."""

import json

import pytest

from apps.delivery.models import Notification
from apps.schedules import tasks
from tests.support.publishers.people import recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}
OWN = {"reference": "order-7", "metadata": {"tenant": "blau", "order id": '7\n“ü” \\ "q"'}}


@pytest.fixture(autouse=True)
def _ada(shop):
    return recipient("ada", email="ada@example.com", push_android="a" * 40, sms="+12025550123")


def own(answer):
    return {name: answer[name] for name in OWN}


def test_every_call_that_publishes_takes_them_and_every_answer_shows_them(shop):
    subscribe(shop.topic("news"), recipient("bob"), "inbox")
    shop.http.put("/v1/groups/team", {}, format="json")
    shop.post("groups/team/members", {"user_ids": ["ada"]}, status=200)
    named = {"user_id": "ada", "content": HELLO}
    answers = [
        shop.post("notifications", {**named, **OWN}),
        shop.post("topics/news/publish", {"content": HELLO, **OWN}),
        shop.post("groups/team/notify", {"content": HELLO, **OWN}),
    ]
    batch = {"notifications": [{**named, **OWN}, named]}
    first, second = shop.post("notifications/batch", batch)["results"]
    answers.append(first["notification"])
    assert [own(answer) for answer in answers] == [OWN] * 4
    assert not OWN.keys() & second["notification"].keys()
    found = [shop.get(f"notifications/{answer['id']}") for answer in answers]
    assert [own(row) for row in found] == [OWN] * 4
    listed = shop.get("notifications")["data"]
    assert [own(row) for row in listed] == [{"reference": "", "metadata": {}}, *[OWN] * 4]


def test_what_is_repeated_shows_those_of_the_first(shop):
    body = {"user_id": "ada", "content": HELLO, "deduplicate_seconds": 60, **OWN}
    key = {"Idempotency-Key": "k"}
    first = shop.post("notifications", body, **key)
    assert shop.post("notifications", body, **key) == first
    again = shop.post("notifications", {**body, "reference": "order-8", "metadata": {}})
    assert (again["id"], own(again)) == (first["id"], OWN)


def test_a_schedule_gives_them_to_each_of_its_notifications(shop):
    notification = {"user_id": "ada", "content": HELLO, **OWN}
    body = {"name": "daily", "cron": "0 9 * * *", "time_zone": "UTC", "notification": notification}
    shop.post("schedules", body, status=201)
    tasks.run.apply(throw=True)
    posted = shop.post("schedules/daily/run", None)
    assert own(shop.get(f"notifications/{posted['notification_id']}")) == OWN


def test_neither_people_nor_providers_are_sent_them(shop, providers, work):
    words = {"reference": "unseen-7", "metadata": {"unseen": "unseen-8"}}
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, **words})
    work()
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"
    messages = providers.client.messages()
    assert {message["channel"] for message in messages} == {"email", "push", "sms"}
    assert "unseen" not in json.dumps(messages)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reference": "r" * 256}, "/reference"),
        ({"reference": " order"}, "/reference"),
        ({"reference": 7}, "/reference"),
        ({"metadata": []}, "/metadata"),
        ({"metadata": {"a": 7}}, "/metadata/a"),
        ({"metadata": {"a": None}}, "/metadata/a"),
        ({"metadata": {"a": {"b": "c"}}}, "/metadata/a"),
        ({"metadata": {"a": "x" * 501}}, "/metadata/a"),
        ({"metadata": {"k" * 41: ""}}, "/metadata"),
        ({"metadata": {"": "x"}}, "/metadata"),
        ({"metadata": {str(number): "" for number in range(21)}}, "/metadata"),
        ({"metadata": {str(number): "x" * 500 for number in range(17)}}, "/metadata"),
    ],
)
def test_what_is_too_large_or_no_text_is_refused_where_it_is(shop, body, pointer):
    body = {"user_id": "ada", "content": HELLO, **body}
    problem = shop.post("notifications", body, status=400)
    assert problem["errors"][0]["pointer"] == pointer


def test_what_has_no_reference_is_in_no_index_of_references(shop, execute):
    def size():
        return execute("SELECT pg_relation_size('notification_of_reference')")

    body = {"user_id": "ada", "content": HELLO}
    before = size()
    shop.post("notifications/batch", {"notifications": [body] * 500})
    assert size() == before
    assert Notification.objects.filter(reference="", metadata__isnull=True).count() == 500
    shop.post("notifications/batch", {"notifications": [{**body, "reference": "order-7"}] * 500})
    assert size() > before
