"""A person's own inbox, as their app reads it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from apps.inbox import services
from apps.inbox.models import InboxItem
from apps.preferences.models import Recipient
from notifier.domain.messages import Content, Message
from tests.support.publishers.api_client import Api
from tests.support.publishers.inboxes import titles


def test_what_was_said_is_in_the_inbox_newest_first(inbox: Callable[..., Api], put: Any):
    put("ada", "First")
    last = put(
        "ada",
        "Second",
        body="Grüße 🎉",
        data={"order": 7},
        actions={"Track": "https://example.com/7"},
        severity="warning",
        display_type="banner_dismiss",
        source="Shop",
        expires_in=3600,
    )
    page = inbox("ada").get("inbox")
    assert titles(page) == ["Second", "First"]
    assert (page["next"], page["unread"]) == (None, 2)
    item = page["data"][0]
    times = {name: item.pop(name) for name in ("created_at", "expires_at")}
    assert times["created_at"] < times["expires_at"]
    assert item == {
        "id": last,
        "title": "Second",
        "body": "Grüße 🎉",
        "data": {"order": 7},
        "actions": {"Track": "https://example.com/7"},
        "severity": "warning",
        "display_type": "banner_dismiss",
        "source": "Shop",
        "status": "unread",
        "seen_at": None,
        "read_at": None,
        "acknowledged_at": None,
        "archived_at": None,
        "snoozed_until": None,
        "notification_id": "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab",
    }


@pytest.mark.parametrize("join", ["nestloop", "hashjoin", "mergejoin"])
def test_what_is_stored_together_is_in_the_order_of_acceptance_however_it_is_joined(
    inbox: Callable[..., Api], put: Any, join: str
):
    put("ada", "First")
    person = Recipient.objects.get(user_id="ada")
    accepted = [str(uuid7()) for _ in range(5)]
    messages = [
        Message(f"dlv_{number}", "inbox", "ada", Content(title=f"{number}"), user_id="ada",
                notification_id=accepted[number - 100], recipient_id=person.pk)
        for number in range(100, 105)
    ]  # fmt: skip
    with connection.cursor() as cursor:
        for other in {"nestloop", "hashjoin", "mergejoin"} - {join}:
            cursor.execute(f"SET LOCAL enable_{other} = off")
    services.write(messages)
    assert titles(inbox("ada").get("inbox")) == ["104", "103", "102", "101", "100", "First"]


def test_an_item_that_says_no_more_than_a_title_is_shown_whole(inbox: Callable[..., Api], put: Any):
    put("ada")
    [item] = inbox("ada").get("inbox")["data"]
    said = {name: item[name] for name in ("body", "data", "actions", "severity", "source")}
    assert said == {"body": "", "data": {}, "actions": {}, "severity": "info", "source": ""}
    assert item["display_type"] == "inbox"
    week = timezone.now() + timedelta(days=7)
    assert abs(InboxItem.objects.get().expires_at - week) < timedelta(minutes=1)


def test_the_inbox_lists_what_is_there_and_not_what_was_deleted(
    inbox: Callable[..., Api], put: Any
):
    ada = inbox("ada")
    kept, gone = put("ada", "Kept"), put("ada", "Gone")
    ada.post("inbox/status", {"ids": [gone], "status": "deleted"})
    assert [item["id"] for item in ada.get("inbox")["data"]] == [kept]


def test_names_that_look_alike_have_inboxes_of_their_own(inbox: Callable[..., Api], put: Any):
    names = ["a.b", "a-b", "A.b", "a_b", "ab", "a.b@x"]
    for name in names:
        put(name, f"For {name}")
    for name in names:
        assert titles(inbox(name).get("inbox")) == [f"For {name}"]


def test_pages_lead_through_the_whole_inbox_once(inbox: Callable[..., Api], put: Any):
    for number in range(7):
        put("ada", str(number))
        put("bob", "Not yours")
    ada, found, cursor = inbox("ada"), [], {}
    while True:
        page = ada.get("inbox", limit=3, **cursor)
        found += titles(page)
        assert page["unread"] == 7
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == ["6", "5", "4", "3", "2", "1", "0"]


def test_items_are_filtered_by_status_severity_and_source(inbox: Callable[..., Api], put: Any):
    ada = inbox("ada")
    put("ada", "New", severity="error", source="Bank")
    read, acknowledged = put("ada", "Read", severity="error"), put("ada", "Seen", source="Bank")
    ada.post("inbox/status", {"ids": [read], "status": "read"})
    ada.post("inbox/status", {"ids": [acknowledged], "status": "acknowledged"})
    for status, title in (("unread", "New"), ("read", "Read"), ("acknowledged", "Seen")):
        page = ada.call("get", "inbox", query_params={"status": status})
        assert titles(page) == [title]
        assert page["data"][0]["status"] == status
        assert page["unread"] == 1
    assert titles(ada.get("inbox", severity="error")) == ["Read", "New"]
    assert titles(ada.get("inbox", source="Bank")) == ["Seen", "New"]
    assert titles(ada.get("inbox", source="")) == ["Read"]
    both = {"severity": "error", "source": "Bank", "status": "unread"}
    assert titles(ada.call("get", "inbox", query_params=both)) == ["New"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "new"},
        {"severity": "fatal"},
        {"source": "x" * 101},
        {"source": "\0"},
        {"limit": "0"},
        {"cursor": "made-up"},
        {"user_id": "bob"},
    ],
)
def test_a_query_that_makes_no_sense_is_pointed_at(inbox: Callable[..., Api], query: dict):
    problem = inbox("ada").call("get", "inbox", status=400, query_params=query)
    assert next(iter(query)) in problem["detail"]


def test_somebody_nobody_has_registered_has_an_empty_inbox(inbox: Callable[..., Api]):
    ghost = inbox("ghost")
    assert ghost.get("inbox") == {
        "data": [],
        "next": None,
        "unread": 0,
        "unseen": 0,
        "last_event_id": "0",
    }
    assert ghost.get("inbox/unread") == {"unread": 0, "unseen": 0}
    changed = ghost.post("inbox/status", {"ids": [1], "status": "read"})
    assert changed == {"changed": 0, "unknown": [1]}
    assert ghost.post("inbox/status", {"all": True, "status": "read"})["changed"] == 0
    ghost.delete("inbox/1", status=404)
    assert not Recipient.objects.exists()


@pytest.mark.parametrize("stored", [b"[]", b"7", b'{"colour": "red"}', b"no JSON"])
def test_an_item_that_is_no_content_does_not_hide_the_others(
    inbox: Callable[..., Api], put: Any, stored: bytes
):
    put("ada", "One")
    odd = InboxItem.objects.get(pk=put("ada", "Two"))
    sealed = services.keyring().encrypt(stored, services.context(odd.delivery_id))
    InboxItem.objects.filter(pk=odd.pk).update(content=sealed)
    assert [row["title"] for row in inbox("ada").get("inbox")["data"]] == ["", "One"]


def test_an_item_whose_key_is_gone_does_not_hide_the_others(
    inbox: Callable[..., Api], put: Any, caplog: pytest.LogCaptureFixture
):
    put("ada", "Whole")
    InboxItem.objects.filter(pk=put("ada", "Lost")).update(content=b"\0" * 40)
    assert titles(inbox("ada").get("inbox")) == ["", "Whole"]
    assert "cannot be read" in caplog.text


def test_the_unread_count_comes_from_its_own_index(inbox: Callable[..., Api], put: Any):
    ada = inbox("ada")
    for _ in range(3):
        put("ada")
    read = put("ada")
    ada.post("inbox/status", {"ids": [read], "status": "read"})
    put("ada", expires_in=-1)
    put("bob")
    with CaptureQueriesContext(connection) as queries:
        assert ada.get("inbox/unread") == {"unread": 3, "unseen": 3}
    [count] = [query["sql"] for query in queries if "count(*)" in query["sql"].lower()]
    # As in an inbox in use: of a few rows any index would do.
    old = InboxItem.objects.get(pk=read)
    fields = {field.attname: getattr(old, field.attname) for field in InboxItem._meta.fields}
    InboxItem.objects.bulk_create(
        InboxItem(**fields | {"id": None, "delivery_id": 100_000 + number})
        for number in range(1_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inbox_inboxitem")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {count}")
        assert "Index Only Scan using inbox_not_read" in "".join(
            row[0] for row in cursor.fetchall()
        )
