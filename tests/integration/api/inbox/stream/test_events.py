"""The stream sends what changes in an inbox, and after an interruption exactly what was missed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from django.utils import timezone

from apps.inbox import changes, snoozing
from apps.inbox.models import Feed, InboxItem
from apps.inbox.statuses import Change
from apps.inbox.stream import hub, statements
from apps.preferences.models import Recipient
from notifier_client import AsyncInboxClient, InboxClient, NotifierError
from tests.support.publishers.api_client import Api
from tests.support.publishers.streams import Reader, StreamServer
from tests.support.waiting import until

Token = Callable[..., str]
Put = Callable[..., int]
PutMany = Callable[..., list[int]]
#: Items of a change that takes three batches.
MANY = 230


def ids_of(user_id: str) -> int:
    return Recipient.objects.get(user_id=user_id).pk


def observed() -> float:
    """Return how many changes were told to connections that had been told all before."""
    return sum(bucket.get() for bucket in hub.SECONDS._buckets)


def batches(reader: Reader, name: str) -> list[int]:
    """Sizes of the batches of events of a name that have an id."""
    told = [event for event in list(reader.events) if event.name == name]
    ends = [place for place, event in enumerate(told, 1) if event.id]
    return [end - start for start, end in pairwise([0, *ends])]


def test_an_item_is_sent_at_once_with_all_that_the_list_shows(
    stream: StreamServer, token: Token, put: Put, inbox: Callable[..., Api]
):
    put("ada", "before")
    ada = stream.open(token("ada"))
    assert ada.named("ready") == [{"unread": 1, "unseen": 1}]
    put("ada", "Your card was blocked", actions={"Unblock it": "https://bank.example.com"})
    put("bob", "not hers")
    [item] = ada.wait_for("item")
    [listed, _] = inbox("ada").get("inbox")["data"]
    assert item == listed
    assert ada.wait_for("counts", 2)[-1] == {"unread": 2, "unseen": 2}
    assert ada.titles() == ["Your card was blocked"]


@pytest.mark.parametrize(
    ("change", "fields", "counts"),
    [
        (Change.SEEN, {"status": "unread"}, {"unread": 1, "unseen": 0}),
        (Change.READ, {"status": "read"}, {"unread": 0, "unseen": 0}),
        (Change.ACKNOWLEDGED, {"status": "acknowledged"}, {"unread": 0, "unseen": 0}),
        (Change.ARCHIVED, {"status": "read"}, {"unread": 0, "unseen": 0}),
        (Change.SNOOZED, {"status": "unread", "seen_at": None}, {"unread": 0, "unseen": 0}),
    ],
)
def test_what_one_tab_changes_is_sent_to_the_others(
    stream: StreamServer, token: Token, put: Put, change: Change, fields: Any, counts: Any
):
    item_id = put("ada")
    tabs = [stream.open(token("ada")) for _ in range(3)]
    later = timezone.now() + timedelta(hours=1) if change == Change.SNOOZED else None
    changes.change(ids_of("ada"), [item_id], change, later)
    for tab in tabs:
        [item] = tab.wait_for("item")
        assert item["id"] == item_id and fields.items() <= item.items()
        assert tab.wait_for("counts", 2)[-1] == counts


def test_a_deletion_is_sent(stream: StreamServer, token: Token, put: Put):
    item_id = put("ada")
    ada = stream.open(token("ada"))
    changes.change(ids_of("ada"), [item_id], Change.DELETED)
    assert ada.wait_for("deleted") == [{"id": item_id}]
    assert ada.wait_for("counts", 2)[-1] == {"unread": 0, "unseen": 0}


def test_a_snoozed_item_comes_back_unread_and_unseen(stream: StreamServer, token: Token, put: Put):
    item_id = put("ada")
    changes.change(ids_of("ada"), [item_id], Change.READ)
    soon = timezone.now() + timedelta(seconds=0.2)
    changes.change(ids_of("ada"), [item_id], Change.SNOOZED, soon)
    ada = stream.open(token("ada"))
    until(snoozing.bring_back)
    [item] = ada.wait_for("item")
    assert item["status"] == "unread" and item["snoozed_until"] is None
    assert ada.wait_for("counts", 2)[-1] == {"unread": 1, "unseen": 1}


def test_who_comes_back_is_sent_exactly_what_was_missed(
    stream: StreamServer, token: Token, put: Put
):
    first, second = put("ada", "first"), put("ada", "second")
    ada = stream.open(token("ada"), since="0")
    ada.wait_for("counts")
    assert ada.titles() == ["first", "second"]
    left_at = ada.last_id
    ada.close()
    put("ada", "third")
    changes.change(ids_of("ada"), [first], Change.READ)
    changes.change(ids_of("ada"), [second], Change.DELETED)
    for again in (
        stream.open(token("ada"), last_event_id=left_at),
        stream.open(token("ada"), since=left_at),
        stream.open(token("ada"), since="0", last_event_id=left_at),  # as EventSource does
    ):
        again.wait_for("counts")
        assert [event.name for event in again.events] == [
            *("ready", "item", "item", "deleted", "counts")
        ]
        assert again.titles() == ["third", "first"]
        assert again.named("deleted") == [{"id": second}]
    same = stream.open(token("ada"), last_event_id=again.last_id)
    same.wait_for("counts")
    assert same.titles() == []


def test_ids_ascend(stream: StreamServer, token: Token, put: Put):
    put("ada")
    ada = stream.open(token("ada"), since="0")
    for number in range(20):
        item = put("ada", str(number))
        changes.change(ids_of("ada"), [item], Change.READ)
    last = InboxItem.objects.latest("pk").pk
    until(lambda: any(item["id"] == last and item["read_at"] for item in ada.named("item")))
    until(lambda: int(ada.last_id) == Feed.objects.get().version)
    ids = [int(event.id) for event in ada.events if event.id]
    assert ids == sorted(ids)


def test_many_missed_items_are_sent_in_pages_once_each(
    stream: StreamServer, token: Token, put: Put
):
    many = 2 * statements.PAGE + 7
    ids = [put("ada", str(number)) for number in range(many)]
    ada = stream.open(token("ada"), since="0")
    ada.wait_for("counts")
    assert [item["id"] for item in ada.named("item")] == ids


def test_the_seconds_until_a_change_is_sent_are_not_those_of_what_was_missed(
    stream: StreamServer, token: Token, put: Put
):
    for number in range(2 * statements.PAGE + 7):
        put("ada", str(number))
    before = observed()
    ada = stream.open(token("ada"), since="0")
    ada.wait_for("counts")
    assert observed() == before
    put("ada", "new")
    until(lambda: observed() == before + 1)


@pytest.mark.parametrize("change", [Change.READ, Change.DELETED, Change.SNOOZED])
def test_what_changed_at_once_is_sent_in_batches_each_with_an_id(
    stream: StreamServer, token: Token, put_many: PutMany, change: Change
):
    ids = put_many("ada", MANY)
    page = stream.open(token("ada"))
    before = str(Feed.objects.get().version)
    changes.change_all(ids_of("ada"), change, timezone.now() + timedelta(hours=1))
    again = stream.open(token("ada"), since=before)
    name = "deleted" if change == Change.DELETED else "item"
    for reader in (page, again):
        assert [told["id"] for told in reader.wait_for(name, MANY)] == ids
        assert batches(reader, name) == [100, 100, 30]
        reader.wait_for("counts")
        assert reader.last_id == str(Feed.objects.get().version)


def test_items_that_come_back_at_once_are_sent_in_batches_each_with_an_id(
    stream: StreamServer, token: Token, put_many: PutMany
):
    ids = put_many("ada", MANY)
    changes.change_all(ids_of("ada"), Change.SNOOZED, timezone.now() + timedelta(seconds=0.2))
    ada = stream.open(token("ada"))
    until(snoozing.bring_back)
    assert [item["id"] for item in ada.wait_for("item", MANY)] == ids
    assert batches(ada, "item") == [100, 100, 30]
    until(lambda: ada.last_id == str(Feed.objects.get().version))


def test_items_that_are_stored_at_once_are_sent_in_batches_each_with_an_id(
    stream: StreamServer, token: Token, put_many: PutMany, put: Put
):
    first = put("ada")
    ada = stream.open(token("ada"), since="0")
    ids = [first, *put_many("ada", MANY)]
    assert [item["id"] for item in ada.wait_for("item", len(ids))] == ids
    assert batches(ada, "item") == [1, 100, 100, 30]
    ada.wait_for("counts", 2)
    assert ada.last_id == str(Feed.objects.get().version)


def test_items_of_before_batches_are_sent_all_the_same(
    stream: StreamServer, token: Token, put_many: PutMany
):
    ids = put_many("ada", MANY)
    InboxItem.objects.update(version=Feed.objects.get().version)
    ada = stream.open(token("ada"), since="0")
    assert [item["id"] for item in ada.wait_for("item", MANY)] == ids
    assert batches(ada, "item") == [MANY]


def test_large_items_are_sent_in_small_pages(
    stream: StreamServer, token: Token, put_many: PutMany, monkeypatch: pytest.MonkeyPatch
):
    ids = put_many("ada", MANY, body="x" * 30_000)
    read, sizes = statements.changes, []

    def changes(wanted: Any) -> Any:
        found = read(wanted)
        for missed in found.values():
            sizes.append(sum(len(row.item.content) for row in missed.rows if row.item))
        return found

    monkeypatch.setattr(statements, "changes", changes)
    ada = stream.open(token("ada"), since="0")
    ada.wait_for("counts")
    assert [item["id"] for item in ada.named("item")] == ids
    assert batches(ada, "item") == [100, 100, 30]
    assert 0 < max(sizes) < statements.PAGE_BYTES + 50_000


def test_a_catch_up_over_20000_items_goes_on_where_it_was_cut_off(
    stream: StreamServer, token: Token, put_many: PutMany
):
    ids = put_many("ada", 20_000)
    before = str(Feed.objects.get().version)
    changes.change_all(ids_of("ada"), Change.READ)
    ada = stream.open(token("ada"), since=before)
    ada.wait_for("item", 5_000)
    ada.close()
    told = batches(ada, "item")
    assert max(told) == 100 and sum(told) >= 4_900
    again = stream.open(token("ada"), last_event_id=ada.last_id)
    again.wait_for("counts")
    assert [item["id"] for item in again.named("item")] == ids[sum(told) :]


def test_what_was_missed_longer_ago_than_is_remembered_says_resync(
    stream: StreamServer, token: Token, put: Put
):
    put("ada")
    long_ago = timezone.now() - timedelta(days=8)
    ada = stream.open(token("ada"), since=str(int(long_ago.timestamp() * 1_000_000)))
    ada.wait_for("resync")
    assert ada.last_id == str(Feed.objects.get().version)
    assert ada.titles() == []
    put("ada", "after")
    ada.wait_for("item")
    assert ada.titles() == ["after"]


def test_a_page_that_stayed_open_over_quiet_weeks_is_sent_and_need_not_list_again(
    stream: StreamServer, token: Token, put: Put
):
    put("ada", "before")
    long_ago = int((timezone.now() - timedelta(days=30)).timestamp() * 1_000_000)
    for model in (Feed, InboxItem):
        model.objects.update(version=long_ago)
    ada = stream.open(token("ada"), since=str(long_ago))
    put("ada", "after")
    ada.wait_for("item")
    assert ada.titles() == ["after"] and not ada.named("resync")


def test_an_id_that_the_inbox_has_not_reached_says_resync(
    stream: StreamServer, token: Token, put: Put
):
    put("ada")
    ada = stream.open(token("ada"), since=str(Feed.objects.get().version + 1))
    ada.wait_for("resync")


def test_a_person_who_is_registered_later_is_sent_from_then_on(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("apps.inbox.stream.hub.EVERY", 0.2)
    stream.app.hub._poll_now.set()  # it waits for ten seconds otherwise
    ada = stream.open(token("ada"))
    assert ada.named("ready") == [{"unread": 0, "unseen": 0}]
    put("ada", "welcome")
    ada.wait_for("item")
    assert ada.titles() == ["welcome"]


def test_a_list_and_the_stream_from_it_on_miss_nothing(
    stream: StreamServer, token: Token, put: Put, inbox: Callable[..., Api]
):
    put("ada", "one")
    page = inbox("ada").get("inbox")
    put("ada", "two")
    ada = stream.open(token("ada"), since=page["last_event_id"])
    ada.wait_for("item")
    assert ada.titles() == ["two"]
    assert page["unread"] == page["unseen"] == 1


def test_the_client_yields_what_it_receives(stream: StreamServer, token: Token, put: Put):
    put("ada", "one")
    with InboxClient(f"http://127.0.0.1:{stream.port}", token("ada")) as client:
        heard = list(islice(client.stream(since="0"), 3))
        assert [event.name for event in heard] == ["ready", "item", "counts"]
        assert heard[1].data["title"] == "one"
        put("ada", "two")
        again = list(islice(client.stream(since=heard[-1].id), 2))
        assert again[1].data["title"] == "two"
        with pytest.raises(NotifierError) as refused:
            next(client.stream(since="x"))
        assert refused.value.type == "invalid-request"


async def test_the_asynchronous_client_does_too(stream: StreamServer, token: Token, put: Put):
    await asyncio.to_thread(put, "ada", "one")
    async with AsyncInboxClient(f"http://127.0.0.1:{stream.port}", token("ada")) as client:
        heard = []
        async for event in client.stream(since="0"):
            heard.append(event)
            if event.name == "counts":
                break
        assert [event.name for event in heard] == ["ready", "item", "counts"]
