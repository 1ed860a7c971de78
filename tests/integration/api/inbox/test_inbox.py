"""A person's own inbox, as their app reaches it: with their token, over HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.inbox import retention, services, tasks
from apps.inbox.models import InboxItem
from apps.preferences.models import Recipient
from notifier.domain.messages import Content, Message
from notifier.security.tokens import sign
from stack.supervision.process import PATIENCE
from tests.integration.api.conftest import Api
from tests.support.jwks_server import Key, lasting, serving, unsigned
from tests.support.waiting import until

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def trusted(settings: Any) -> Any:
    """Which tokens open inboxes."""
    settings.INBOX_TOKENS = {
        "secret": SECRET,
        "jwks_url": "",
        "issuer": "",
        "audience": "",
        "longest": 600.0,
    }
    return settings


@pytest.fixture
def inbox(db: None, django_capture_on_commit_callbacks: Any) -> Callable[..., Api]:
    """A person's app, with a token of theirs."""

    def make(user_id: str, **claims: Any) -> Api:
        token = sign(lasting({"sub": user_id, **claims}), SECRET)
        return Api(user_id, token, django_capture_on_commit_callbacks)

    return make


@pytest.fixture
def put(db: None) -> Iterator[Callable[..., int]]:
    """Puts an item into somebody's inbox, as the inbox's provider does."""
    deliveries = iter(range(1, 10_000))

    def make(
        user_id: str, title: str = "Hello", expires_in: float | None = None, **said: Any
    ) -> int:
        Recipient.objects.get_or_create(user_id=user_id)
        number = next(deliveries)
        expires_at = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
        content = Content(title=title, **said)
        message = Message(
            f"dlv_{number}",
            "inbox",
            user_id,
            content,
            user_id=user_id,
            expires_at=expires_at,
            notification_id="01a3b6f4-8f0e-7c3a-9d2e-0123456789ab",
        )
        services.write([message])
        return InboxItem.objects.get(delivery_id=number).pk

    yield make


def titles(page: dict[str, Any]) -> list[str]:
    return [item["title"] for item in page["data"]]


# -- Reading ----------------------------------------------------------------------------------


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
        "read_at": None,
        "acknowledged_at": None,
        "notification_id": "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab",
    }


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
    assert ghost.get("inbox") == {"data": [], "next": None, "unread": 0}
    assert ghost.get("inbox/unread") == {"unread": 0}
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
    sealed = services.keyring().encrypt(stored, services._context(odd.delivery_id))
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
        assert ada.get("inbox/unread") == {"unread": 3}
    [count] = [query["sql"] for query in queries if "count(*)" in query["sql"].lower()]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {count}")
        assert "inbox_unread" in "".join(row[0] for row in cursor.fetchall())


# -- Changing ---------------------------------------------------------------------------------


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
    assert ada.get("inbox/unread") == {"unread": 0}
    assert inbox("bob").get("inbox/unread") == {"unread": 1}
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


# -- Expiry -----------------------------------------------------------------------------------


def test_what_has_expired_is_neither_shown_nor_counted(inbox: Callable[..., Api], put: Any):
    ada = inbox("ada")
    put("ada", "Over", expires_in=-1)
    put("ada", "Fresh", expires_in=60)
    page = ada.get("inbox")
    assert (titles(page), page["unread"]) == (["Fresh"], 1)
    assert ada.post("inbox/status", {"all": True, "status": "read"})["changed"] == 1


def test_the_purge_takes_what_has_expired_in_batches_and_nothing_else(
    put: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        put("ada", expires_in=-1)
    left = put("ada", expires_in=60)
    tasks.purge.apply(throw=True)
    assert list(InboxItem.objects.values_list("pk", flat=True)) == [left]
    assert retention.purge() == 0


def test_the_purge_is_on_without_being_asked_for(settings: Any):
    assert "inbox.purge" in [entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]


@pytest.mark.django_db(transaction=True)
def test_one_cleaner_works_at_a_time(put: Any):
    for _ in range(3):
        put("ada", expires_in=-1)
    purged: list[int] = []

    def clean() -> None:
        purged.append(retention.purge())
        connection.close()

    second = connections.create_connection("default")
    second.set_autocommit(False)
    first = threading.Thread(target=clean)
    try:
        with second.cursor() as cursor:
            cursor.execute("LOCK TABLE inbox_inboxitem IN SHARE MODE")  # no row can be deleted
            first.start()

            def somebody_waits() -> int:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                return cursor.fetchone()[0]

            until(somebody_waits)  # the first cleaner is at it
            assert retention.purge() == 0, (
                "it would wait for our lock, and be given up after a while"
            )
        second.rollback()
    finally:
        second.close()
        first.join(PATIENCE)
    assert purged == [3]
    put("ada", expires_in=-1)
    assert retention.purge() == 1, "the lock is free again"


# -- Whose token ------------------------------------------------------------------------------


def test_a_key_opens_no_inbox_and_a_token_nothing_else(api: Api, inbox: Callable[..., Api]):
    for path in ("inbox", "inbox/unread"):
        assert api.get(path, status=401)["type"] == "/problems/invalid-token"
    api.post("inbox/status", {"all": True, "status": "read"}, status=401)
    api.delete("inbox/1", status=401)
    ada = inbox("ada", client_id="shop", scope="topics:read")
    for path in ("topics", "recipients", "api-keys", "notifications"):
        assert ada.get(path, status=401)["type"] == "/problems/invalid-key"


def test_a_publishers_token_opens_no_inbox(
    api: Api, inbox: Callable[..., Api], settings: Any, trusted: Any
):
    with serving() as idp:
        idp.keys = [Key("one")]
        settings.PUBLISHER_TOKENS = {"jwks_url": idp.url, "issuer": "i", "audience": "a"}
        token = idp.keys[0].sign(sub="ada", iss="i", aud="a", client_id="shop", scope="topics:read")
        client = Api("shop", token, api._capture)
        client.get("topics")
        assert client.get("inbox", status=401)["type"] == "/problems/invalid-token"
        assert inbox("ada", client_id="shop", iss="i", aud="a").get("topics", status=401)


def test_a_request_without_a_token_is_told_how_to_send_one(inbox: Callable[..., Api]):
    ada = inbox("ada")
    problem = ada.call("get", "inbox", status=401, headers={})
    assert problem["type"] == "/problems/missing-token"
    assert ada.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("claims", "type", "says"),
    [
        ({"exp": 1_000_000_000, "iat": None}, "expired-token", "expired"),
        ({"exp": None}, "invalid-token", "exp"),
        ({"exp": time.time() + 3600}, "invalid-token", "600 seconds"),
        ({"nbf": time.time() + 3600}, "invalid-token", "not valid yet"),
        ({"sub": None}, "invalid-token", "sub"),
        ({"sub": ""}, "invalid-token", "sub"),
        ({"sub": 7}, "invalid-token", "sub"),
        ({"sub": "a\0b"}, "invalid-token", "sub"),
        ({"sub": "x" * 201}, "invalid-token", "sub"),
    ],
)
def test_a_token_that_is_none_for_an_inbox_is_refused(
    inbox: Callable[..., Api], claims: dict[str, Any], type: str, says: str
):
    ada = inbox("ada", **claims)
    problem = ada.get("inbox", status=401)
    assert problem["type"] == f"/problems/{type}"
    assert says in problem["detail"]
    assert ada.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_forged_token_is_refused(inbox: Callable[..., Api], put: Any):
    put("ada")
    ada = inbox("ada")
    head, _, tail = inbox("bob").key.split(".")
    claims = ada.key.split(".")[1]
    for forged in (
        f"{head}.{claims}.{tail}",
        sign(lasting({"sub": "ada"}), "x" * 32),
        unsigned({"alg": "none"}, sub="ada"),
        "ada",
    ):
        client = Api("ada", forged, ada._capture)
        assert client.get("inbox", status=401)["type"] == "/problems/invalid-token"


def test_a_key_set_opens_inboxes_beside_the_secret(
    inbox: Callable[..., Api], put: Any, trusted: Any
):
    put("ada")
    with serving() as idp:
        idp.keys = [Key("one", "RS256")]
        trusted.INBOX_TOKENS = {
            **trusted.INBOX_TOKENS,
            "jwks_url": idp.url,
            "issuer": "https://id.example.com",
            "audience": "inbox",
        }
        good = {"iss": "https://id.example.com", "aud": "inbox"}
        ada = inbox("ada", **good)
        assert titles(ada.get("inbox")) == ["Hello"]
        inbox("ada").get("inbox", status=401)  # without iss and aud
        by_key = Api("ada", idp.keys[0].sign(sub="ada", **good), ada._capture)
        assert titles(by_key.get("inbox")) == ["Hello"]
        long = Api("ada", idp.keys[0].sign(sub="ada", exp=time.time() + 9000, **good), ada._capture)
        assert "600 seconds" in long.get("inbox", status=401)["detail"]


def test_no_inbox_is_open_where_nothing_is_configured(inbox: Callable[..., Api], trusted: Any):
    trusted.INBOX_TOKENS = {**trusted.INBOX_TOKENS, "secret": ""}
    assert "NOTIFIER_INBOX_JWT_SECRET" in inbox("ada").get("inbox", status=401)["detail"]


def test_a_command_prints_a_token_for_trying_things_out(
    inbox: Callable[..., Api], put: Any, trusted: Any
):
    put("ada")
    trusted.INBOX_TOKENS = {**trusted.INBOX_TOKENS, "issuer": "i", "audience": "a"}
    out = StringIO()
    call_command("inbox_token", "ada", stdout=out)
    ada = Api("ada", out.getvalue().strip(), inbox("ada")._capture)
    assert titles(ada.get("inbox")) == ["Hello"]
    with pytest.raises(CommandError, match="slash"):
        call_command("inbox_token", "a/b")
    trusted.INBOX_TOKENS = {**trusted.INBOX_TOKENS, "secret": ""}
    with pytest.raises(CommandError, match="NOTIFIER_INBOX_JWT_SECRET"):
        call_command("inbox_token", "ada")
