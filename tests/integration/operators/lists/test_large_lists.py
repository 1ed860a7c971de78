"""Lists of large tables: walked by key, filtered in bounds, and never changed as a whole."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.delivery.models import Delivery
from apps.operators import large_lists
from tests.support.publishers.admin_actions import NEWS
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import Shop


@pytest.fixture
def hundred_and_twenty(shop: Shop, work) -> None:
    people = [recipient(f"person-{number}") for number in range(120)]
    topic = shop.topic()
    for person in people:
        subscribe(topic, person, "inbox")
    shop.post("topics/news/publish", NEWS)
    work()


def ids(answer: Any) -> list[int]:
    return [row.pk for row in answer.context["cl"].result_list]


def test_a_list_is_walked_by_key_and_back(hundred_and_twenty, operator: Client):
    every = list(Delivery.objects.order_by("-id").values_list("pk", flat=True))
    url = reverse("admin:delivery_delivery_changelist")
    seen, pages = [], []
    query = ""
    while True:
        answer = operator.get(url + query)
        seen += ids(answer)
        pages.append(ids(answer))
        query = answer.context["cl"].older
        if not query:
            break
    assert seen == every
    assert [len(page) for page in pages] == [50, 50, 20]
    back = operator.get(url + answer.context["cl"].newer)
    assert ids(back) == pages[1]
    assert ids(operator.get(url + back.context["cl"].newer)) == pages[0]


def test_a_filter_looks_through_so_many_rows_and_says_so(
    hundred_and_twenty, operator: Client, monkeypatch
):
    monkeypatch.setattr(large_lists, "MOST_EXAMINED", 40)
    oldest = Delivery.objects.order_by("id").first()
    Delivery.objects.filter(pk=oldest.pk).update(state="failed")
    url = reverse("admin:delivery_delivery_changelist")
    query, found, looks = "?state=failed", [], 0
    while query:
        answer = operator.get(url + query)
        found += ids(answer)
        query, looks = answer.context["cl"].older, looks + 1
        if query:
            assert "Look further" in answer.content.decode()
            assert "Looked through 40 deliveries" in answer.content.decode()
    assert (found, looks) == ([oldest.pk], 4)
    one = operator.get(f"{url}?recipient_id={oldest.recipient_id}&state=failed")
    assert ids(one) == [oldest.pk], "an index leads to one person's"


def test_a_filter_looks_through_notifications_whose_ids_are_uuids(
    shop: Shop, operator: Client, monkeypatch
):
    shop.topic()
    low = shop.post("topics/news/publish", {**NEWS, "priority": "low"})
    for _ in range(4):
        shop.post("topics/news/publish", {**NEWS, "priority": "normal"})
    monkeypatch.setattr(large_lists, "MOST_EXAMINED", 2)
    query, found = "?priority=low", []
    while query:
        answer = operator.get(reverse("admin:delivery_notification_changelist") + query)
        found.append([str(key) for key in ids(answer)])
        query = answer.context["cl"].older
    assert found == [[], [], [low["id"]]]


def test_nothing_is_done_to_a_whole_table(hundred_and_twenty, operator: Client):
    url = reverse("admin:delivery_deadletter_changelist")
    body = {"action": "redrive", "select_across": "1", "index": "0", "_selected_action": 1}
    page = operator.post(url, body, follow=True).content.decode()
    assert "an action cannot be applied to a whole table" in page


@pytest.mark.parametrize("query", ["?nonsense=2", "?before=x", "?recipient_id=x", "?state=%00"])
def test_a_query_that_cannot_be_read_leads_back_to_the_list(operator: Client, query: str):
    answer = operator.get(reverse("admin:delivery_delivery_changelist") + query)
    assert (answer.status_code, answer.headers["Location"][-4:]) == (302, "?e=1")
