"""Items are marked as read, acknowledged and deleted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.inbox import changes, snoozing
from apps.inbox.models import InboxItem
from apps.inbox.statuses import Change
from apps.preferences.models import Recipient
from tests.support.publishers.api_client import Api
from tests.support.waiting import until


def test_read_unread_and_acknowledged_follow_each_other(inbox: Callable[..., Api], put: Any):
    ada, item = inbox("ada"), put("ada")

    def after(status: str, changed: int = 1) -> tuple[str, bool, bool]:
        answer = ada.post("inbox/status", {"ids": [item], "status": status})
        assert answer == {"changed": changed, "unknown": []}
        [shown] = ada.get("inbox")["data"]
        return shown["status"], shown["read_at"] is None, shown["acknowledged_at"] is None

    assert after("read") == ("read", False, True)
    first = InboxItem.objects.get().read_at
    assert after("read", changed=0) == ("read", False, True)
    assert after("acknowledged") == ("acknowledged", False, False)
    assert InboxItem.objects.get().read_at == first
    # Reading it again takes no acknowledgement back.
    assert after("read", changed=0) == ("acknowledged", False, False)
    assert after("unread") == ("unread", True, True)
    assert after("acknowledged") == ("acknowledged", False, False)


@pytest.mark.parametrize("status", ["read", "unread", "acknowledged", "deleted"])
def test_ids_that_are_not_ones_own_stop_nothing_and_are_listed(
    inbox: Callable[..., Api], put: Any, status: str
):
    ada, bob = inbox("ada"), inbox("bob")
    mine, theirs, also_mine = put("ada"), put("bob"), put("ada")
    if status == "unread":
        for person in (ada, bob):
            person.post("inbox/status", {"all": True, "status": "read"})
    expired = put("ada", expires_in=-1)
    before = bob.get("inbox")
    nobodys = 2**63 - 1
    answer = ada.post(
        "inbox/status",
        {"ids": [nobodys, mine, theirs, expired, also_mine, mine, theirs], "status": status},
    )
    assert answer == {"changed": 2, "unknown": [nobodys, theirs, expired]}
    assert bob.get("inbox") == before
    left = ada.get("inbox")["data"]
    assert [item["status"] for item in left] == ([] if status == "deleted" else [status] * 2)


def test_all_of_it_is_changed_in_one_statement(inbox: Callable[..., Api], put: Any):
    ada = inbox("ada")
    for _ in range(5):
        put("ada")
    put("bob")
    with CaptureQueriesContext(connection) as queries:
        assert ada.post("inbox/status", {"all": True, "status": "read"}) == {
            "changed": 5,
            "unknown": [],
        }
    writes = [query for query in queries if "UPDATE inbox_inboxitem" in query["sql"]]
    assert len(writes) == 1
    assert ada.get("inbox/unread") == {"unread": 0, "unseen": 0}
    assert inbox("bob").get("inbox/unread") == {"unread": 1, "unseen": 1}
    assert ada.post("inbox/status", {"all": True, "status": "deleted"})["changed"] == 5
    assert ada.get("inbox")["data"] == []


def test_a_deleted_item_is_gone_with_its_content(inbox: Callable[..., Api], put: Any):
    ada, item, theirs = inbox("ada"), put("ada"), put("bob")
    ada.delete(f"inbox/{theirs}", status=404)
    assert ada.delete(f"inbox/{item}") is None
    ada.delete(f"inbox/{item}", status=404)
    ada.delete(f"inbox/{10**30}", status=404)
    assert list(InboxItem.objects.values_list("pk", flat=True)) == [theirs]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "read"}, ""),
        ({"status": "read", "ids": [1], "all": True}, ""),
        ({"status": "read", "all": False}, ""),
        ({"status": "read", "ids": []}, "/ids"),
        ({"status": "read", "ids": [0]}, "/ids/0"),
        ({"status": "read", "ids": [2**63]}, "/ids/0"),
        ({"status": "read", "ids": ["x", 1]}, "/ids/0"),
        ({"status": "read", "ids": list(range(1, 1002))}, "/ids"),
        ({"status": "new", "ids": [1]}, "/status"),
        ({"ids": [1]}, "/status"),
        ({"status": "read", "ids": [1], "user_id": "bob"}, "/user_id"),
    ],
)
def test_a_change_that_makes_no_sense_is_pointed_at(
    inbox: Callable[..., Api], body: dict[str, Any], pointer: str
):
    problem = inbox("ada").post("inbox/status", body, status=400)
    assert problem["errors"][0]["pointer"] == pointer


def test_20000_items_of_a_person_come_back_at_once(put_many: Callable[..., list[int]]):
    put_many("ada", 20_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inbox_inboxitem")  # so that PostgreSQL expects no snoozed ones
    person = Recipient.objects.get()
    changes.change_all(person.pk, Change.SNOOZED, timezone.now() + timedelta(seconds=0.1))
    assert until(snoozing.bring_back) == 20_000
    assert not InboxItem.objects.filter(snoozed_until__isnull=False).exists()
