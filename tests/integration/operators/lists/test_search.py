"""Operators find notifications, deliveries and contacts by what they know of them."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.delivery_ids import number_of
from apps.delivery.models import Delivery, Notification
from apps.delivery.operations import search
from apps.operators import large_lists
from apps.topics.models import Subscription
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import Shop

ADDRESS = "ada@example.com"
HELLO = {"title": "Hello & welcome", "body": "There"}
NOTIFICATIONS, DELIVERIES = (
    reverse(f"admin:delivery_{name}_changelist") for name in ("notification", "delivery")
)
CONTACTS = reverse("admin:preferences_contact_changelist")


@pytest.fixture(autouse=True)
def ada(shop: Shop):
    return recipient("ada", email=ADDRESS)


def found(operator: Client, url: str, term: str) -> list[str]:
    rows = operator.get(url, {"q": term}).context["cl"].result_list
    return [str(row.pk) for row in rows]


def post(shop: Shop, **fields) -> str:
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, **fields}
    return shop.post("notifications", body)["id"]


def templated(shop: Shop) -> str:
    contents = [{"channel": "inbox", "locale": "en", "title": "Order {{ order }}", "body": "x"}]
    made = {"name": "shipped", "default_locale": "en", "contents": contents}
    shop.post("templates", made, status=201)
    used = {"name": "shipped", "variables": {"order": 7}}
    body = {"user_id": "ada", "channels": ["inbox"], "template": used}
    return shop.post("notifications", body)["id"]


def test_notifications_are_found_by_any_of_their_names(shop, other_shop, operator, work):
    subscribe(shop.topic("news"), recipient("bob"), "inbox")
    first = post(shop, reference="order-7")
    second = post(other_shop, reference="order-7")
    third = shop.post("topics/news/publish", {"content": HELLO})["id"]
    fourth = templated(shop)
    work()
    assert found(operator, NOTIFICATIONS, first) == [first]
    assert found(operator, NOTIFICATIONS, "order-7") == [second, first]
    assert found(operator, NOTIFICATIONS, " news ") == [third]
    assert found(operator, NOTIFICATIONS, "ada") == [fourth, second, first]
    assert found(operator, NOTIFICATIONS, "bob") == [third]
    assert found(operator, NOTIFICATIONS, "shipped") == [fourth]
    assert found(operator, NOTIFICATIONS, "nothing") == []


def test_what_is_named_alike_is_told_apart_by_its_kind(shop, operator, work):
    subscribe(shop.topic("ada"), recipient("bob"), "inbox")
    named = post(shop)
    published = shop.post("topics/ada/publish", {"content": HELLO})["id"]
    work()
    assert found(operator, NOTIFICATIONS, "ada") == [published]
    assert found(operator, NOTIFICATIONS, "person:ada") == [named]
    assert found(operator, NOTIFICATIONS, "reference:ada") == []


def test_a_template_is_looked_for_a_part_at_a_time(shop, operator, monkeypatch):
    key = templated(shop)
    for _ in range(3):
        post(shop)
    monkeypatch.setattr(large_lists, "MOST_EXAMINED", 2)
    answer = operator.get(NOTIFICATIONS, {"q": "template:shipped"})
    assert not answer.context["cl"].result_list
    assert "Looked through 2 notifications" in answer.content.decode()
    answer = operator.get(NOTIFICATIONS + answer.context["cl"].older)
    assert [str(row.pk) for row in answer.context["cl"].result_list] == [key]


def test_deliveries_are_found_by_person_and_by_address_in_any_spelling(shop, operator, work):
    desk = contact("email", "desk@example.com", publisher_id=shop.id)
    topic = shop.topic("news")
    Subscription.objects.create(topic=topic, contact=desk, channel="email")
    shop.post("topics/news/publish", {"content": HELLO})
    post(shop, channels=["inbox", "email"])
    work()
    mail, inbox, bare = (
        str(Delivery.objects.get(**which).pk)
        for which in (
            {"channel": "email", "recipient_id__isnull": False},
            {"channel": "inbox"},
            {"recipient_id": None},
        )
    )
    assert sorted(found(operator, DELIVERIES, "ada")) == sorted([mail, inbox])
    assert found(operator, DELIVERIES, "Ada@Example.COM") == [mail]
    assert found(operator, DELIVERIES, "desk@example.com") == [bare]
    assert found(operator, DELIVERIES, "nobody@example.com") == []
    assert found(operator, CONTACTS, "desk@example.com") == [str(desk.pk)]


def test_an_address_that_is_somebodys_user_id_is_asked_for_as_an_address(shop, operator, work):
    recipient(ADDRESS)
    post(shop, channels=["email"])
    work()
    assert found(operator, DELIVERIES, ADDRESS) == []
    [key] = found(operator, DELIVERIES, f"address:{ADDRESS}")
    assert Delivery.objects.get().pk == int(key)


def test_lists_name_template_and_reference_and_titles_to_those_who_may_read_them(
    shop, onlooker, operator, work
):
    post(shop, reference="order-7")
    templated(shop)
    work()
    page = onlooker.get(NOTIFICATIONS).content.decode()
    assert "shipped 1" in page and "order-7" in page and "Hello" not in page
    assert "shipped 1" in onlooker.get(DELIVERIES).content.decode()
    reader = User.objects.get(username="onlooker")
    reader.user_permissions.add(Permission.objects.get(codename="read_title"))
    onlooker.force_login(reader)  # other permissions ended the session
    page = onlooker.get(NOTIFICATIONS).content.decode()
    assert "Hello &amp; welcome" in page
    Notification.objects.update(content=b"")
    page = onlooker.get(NOTIFICATIONS).content.decode()
    assert "order-7" in page and "Hello" not in page


@pytest.mark.parametrize(
    ("url", "term", "index"),
    [
        (NOTIFICATIONS, "reference:order-7", "notification_of_reference"),
        (NOTIFICATIONS, "person:ada", "delivery_of_recipient"),
        (NOTIFICATIONS, "topic:news", "notification_of_topic"),
        (DELIVERIES, "ada", "delivery_of_recipient"),
        (DELIVERIES, f"address:{ADDRESS}", "contact_by_address"),
        (CONTACTS, ADDRESS, "contact_by_address"),
    ],
)
def test_an_index_serves_each_search(shop, operator, work, url, term, index):
    subscribe(shop.topic("news"), recipient("bob"), "inbox")
    shop.post("topics/news/publish", {"content": HELLO})
    post(shop, reference="order-7", channels=["inbox", "email"])
    work()
    with CaptureQueriesContext(connection) as asked:
        assert found(operator, url, term)
    large = re.compile('FROM "(delivery_notification|delivery_delivery|preferences_contact)"')
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        for statement in {one["sql"] for one in asked.captured_queries}:
            if large.search(statement):
                cursor.execute(f"EXPLAIN {statement}")
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        cursor.execute("RESET enable_seqscan")
    assert any(index in plan for plan in plans), plans
    tables = "delivery_notification|delivery_delivery|preferences_contact"
    assert not [plan for plan in plans if re.search(f"Seq Scan on ({tables})", plan)]


def test_a_deliverys_id_leads_to_it(shop, operator, work):
    posted = post(shop)
    work()
    [row] = shop.get(f"notifications/{posted}/deliveries")["data"]
    assert found(operator, DELIVERIES, row["id"]) == [str(number_of(row["id"]))]


def test_an_address_is_found_below_what_else_its_owner_was_sent(shop, operator, work, monkeypatch):
    post(shop, channels=["email"])
    for _ in range(4):
        post(shop)
    work()
    [mail] = Delivery.objects.filter(channel="email").values_list("pk", flat=True)
    monkeypatch.setattr(search, "MOST_FOUND", 2)
    assert found(operator, DELIVERIES, ADDRESS) == [str(mail)]
    assert "Looked through" not in operator.get(DELIVERIES, {"q": ADDRESS}).content.decode()


def test_a_search_for_an_address_that_ends_early_says_so(shop, operator, work, monkeypatch):
    post(shop, channels=["email"])
    for _ in range(4):
        post(shop)
    work()
    monkeypatch.setattr(search, "MOST_EXAMINED", 3)
    page = operator.get(DELIVERIES, {"q": ADDRESS}).content.decode()
    assert "Looked through the newest 3 deliveries of whoever has it." in page
    for number in range(3):
        recipient(f"shares-{number}", email=ADDRESS)
    monkeypatch.setattr(search, "MOST_EXAMINED", 1_000)
    monkeypatch.setattr(search, "MOST_CONTACTS", 2)
    page = operator.get(DELIVERIES, {"q": ADDRESS}).content.decode()
    assert "More than 2 have this address: the newest of them were asked." in page
    monkeypatch.setattr(search, "MOST_CONTACTS", 20)
    post(shop, channels=["email"])
    work()
    monkeypatch.setattr(search, "MOST_FOUND", 1)
    page = operator.get(DELIVERIES, {"q": ADDRESS}).content.decode()
    assert "Only the newest 1 deliveries to it are found." in page


def test_titles_are_searched_by_those_who_may_read_them(shop, operator, onlooker, work):
    first = post(shop, content={"title": "Summer Sale", "body": "x"})
    second = post(shop, content={"title": "SALE ends", "body": "x"})
    post(shop)
    templated(shop)
    gone = post(shop, content={"title": "An old sale", "body": "x"})
    Notification.objects.filter(pk=gone).update(content=b"")
    lost = post(shop, content={"title": "A sale under another key", "body": "x"})
    Notification.objects.filter(pk=lost).update(content=b"junk")
    assert found(operator, NOTIFICATIONS, "title:sale") == [second, first]
    assert found(operator, NOTIFICATIONS, "title: summer sale") == [first]
    assert found(operator, NOTIFICATIONS, "title:winter") == []
    assert found(onlooker, NOTIFICATIONS, "title:sale") == []


@pytest.mark.parametrize("bound", ["MOST_EXAMINED", "MOST_TITLES"])
def test_a_search_for_a_title_that_ends_early_says_so(shop, operator, monkeypatch, bound):
    post(shop, content={"title": "Summer sale", "body": "x"})
    for _ in range(4):
        post(shop)
    monkeypatch.setattr(search, "TITLES_AT_ONCE", 2)
    monkeypatch.setattr(search, bound, 4)
    answer = operator.get(NOTIFICATIONS, {"q": "title:sale"})
    assert not answer.context["cl"].result_list
    assert "Looked through the newest 4 titles, as far as" in answer.content.decode()
    monkeypatch.setattr(search, bound, 100)
    answer = operator.get(NOTIFICATIONS, {"q": "title:sale"})
    assert len(answer.context["cl"].result_list) == 1
    assert "Looked through" not in answer.content.decode()
