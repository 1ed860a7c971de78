"""The client at a service that fails: a scripted server on a real socket."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from notifier_client import (
    AuthenticationError,
    Conflict,
    ConnectionFailed,
    InboxClient,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotifierClient,
    NotifierError,
    RateLimited,
    Unavailable,
    calls,
)
from stack.supervision.process import PATIENCE
from tests.support.fakes.scripted_api import HANG_UP, SILENCE, Script, problem, serving
from tests.support.publishers.awaited_client import Awaiting

ACCEPTED = {
    "id": "0199",
    "state": "accepted",
    "priority": "normal",
    "channels": ["sms"],
    "created_at": "2026-11-22T10:00:00Z",
}
Connect = Callable[..., NotifierClient]


#: Seconds of each client's default here: where less is asked for, less than this is taken.
BUDGET = 30


@pytest.fixture(params=[NotifierClient, Awaiting])
def client(request: pytest.FixtureRequest) -> Connect:
    """Make a client of a scripted service; every test runs with both kinds of client."""

    def connect(script: Script, **options: Any) -> NotifierClient:
        made: NotifierClient = request.param(
            script.url, "ntf_key", **{"timeout": PATIENCE, "retry_for": BUDGET, **options}
        )
        return made

    return connect


def test_publishing_is_repeated_under_the_same_key_until_it_is_answered(
    client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_FIRST_WAIT", 0.01)  # otherwise four waits take 2 s
    failures = [(503, "starting"), HANG_UP, (502, "<html>"), problem(409, "idempotency-in-flight")]
    with serving(*failures, (202, ACCEPTED)) as script, client(script) as notifier:
        posted = notifier.notify_users(["ada"], body="Hello")
    assert posted.id == "0199"
    assert len(script.seen) == 5
    assert len(set(script.keys())) == 1
    assert script.keys()[0]


def test_each_call_has_a_key_of_its_own_unless_one_is_given(client: Connect) -> None:
    with serving((202, ACCEPTED)) as script, client(script) as notifier:
        notifier.publish("news", body="Hello")
        notifier.publish("news", body="Hello")
        notifier.publish("news", body="Hello", idempotency_key="order-7")
    first, second, given = script.keys()
    assert first != second
    assert given == "order-7"


def test_only_what_was_given_is_sent(client: Connect) -> None:
    with serving((202, ACCEPTED)) as script, client(script) as notifier:
        notifier.notify_users(
            ["ada"],
            body="Hello",
            send_at=datetime(2030, 1, 1, tzinfo=UTC),
            fallback={"channel": "sms", "after_seconds": 300},
        )
    line, headers, body = script.seen[0]
    assert line == "POST /v1/notifications HTTP/1.1"
    assert headers["authorization"] == "Bearer ntf_key"
    assert body == {
        "user_ids": ["ada"],
        "content": {"body": "Hello"},
        "send_at": "2030-01-01T00:00:00+00:00",
        "fallback": {"channel": "sms", "after_seconds": 300},
    }


def test_a_name_in_a_path_is_one_segment_of_it(client: Connect) -> None:
    with serving((202, ACCEPTED)) as script, client(script) as notifier:
        notifier.publish("a/b?c", body="Hello")
    assert script.seen[0][0] == "POST /v1/topics/a%2Fb%3Fc/publish HTTP/1.1"


def test_a_time_without_zone_is_refused_before_anything_is_sent(client: Connect) -> None:
    with serving((202, ACCEPTED)) as script, client(script) as notifier:
        with pytest.raises(ValueError, match="send_at needs a time zone"):
            notifier.publish("news", body="Hello", send_at=datetime(2030, 1, 1))
    assert script.seen == []


def test_retry_after_is_waited_for(client: Connect) -> None:
    asked = 0.6  # it would wait for 0.2 by itself
    with serving((429, {}, f"{asked}"), (202, ACCEPTED)) as script, client(script) as notifier:
        began = time.monotonic()
        notifier.publish("news", body="Hello")
    assert asked <= time.monotonic() - began < BUDGET
    assert len(script.seen) == 2


def test_a_retry_after_beyond_the_budget_is_raised_at_once(client: Connect) -> None:
    with serving((429, {}, "3600")) as script, client(script) as notifier:
        with pytest.raises(RateLimited) as raised:
            notifier.publish("news", body="Hello")
    assert raised.value.retry_after == 3600
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "unknown-field", InvalidRequest),
        (401, "expired-key", AuthenticationError),
        (403, "missing-scope", NotAllowed),
        (404, "not-found", NotFound),
        (409, "topic-exists", Conflict),
        (413, "payload-too-large", InvalidRequest),
        (422, "idempotency-mismatch", InvalidRequest),
        (500, "internal-error", Unavailable),
        (301, "", NotifierError),
    ],
)
def test_other_errors_are_raised_without_asking_again(
    client: Connect, status: int, name: str, kind: type[NotifierError]
) -> None:
    errors = [{"pointer": "/content", "detail": "Give it."}]
    with serving(problem(status, name, errors=errors)) as script, client(script) as notifier:
        with pytest.raises(NotifierError) as raised:
            notifier.publish("news", body="Hello")
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.type, error.detail) == (status, name, "Do this.")
    assert error.errors == errors
    assert len(script.seen) == 1


def test_a_service_that_stays_down_is_given_up_within_the_budget(client: Connect) -> None:
    with serving((503, "down")) as script, client(script, retry_for=1) as notifier:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            notifier.publish("news", body="Hello")
    assert time.monotonic() - began < BUDGET
    assert len(script.seen) >= 2


@pytest.mark.parametrize("step", [(503, "down"), HANG_UP])
def test_what_would_do_more_when_done_twice_is_done_once(client: Connect, step: Any) -> None:
    with serving(step) as script, client(script) as notifier:
        with pytest.raises((Unavailable, ConnectionFailed)):
            notifier.create_topic("news")
    assert len(script.seen) == 1


def test_a_service_that_says_nothing_costs_no_more_than_the_timeout(client: Connect) -> None:
    with serving(SILENCE) as script, client(script, timeout=0.3, retry_for=0) as notifier:
        began = time.monotonic()
        with pytest.raises(ConnectionFailed):
            notifier.get_topic("news")
    assert time.monotonic() - began < BUDGET


def test_where_nothing_listens_the_call_is_repeated_within_the_budget(client: Connect) -> None:
    with serving((200, {})) as script:
        pass
    with client(script, retry_for=0.5) as notifier:
        began = time.monotonic()
        with pytest.raises(ConnectionFailed) as raised:
            notifier.create_topic("news")
    assert raised.value.status is None
    assert 0.1 < time.monotonic() - began < BUDGET


def test_fields_that_a_newer_service_adds_are_ignored(client: Connect) -> None:
    answer = {**ACCEPTED, "novelty": 1, "counts": {"sms": {"accepted": 2, "dead": 1}}}
    with serving((200, {**answer, "state": "done"})) as script, client(script) as notifier:
        found = notifier.wait("0199")
    assert found.done
    assert found.count("accepted") == 2
    assert found.created_at == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_the_api_key_is_in_no_error_and_no_representation(client: Connect) -> None:
    with serving((400, {})) as script, client(script) as notifier:
        with pytest.raises(NotifierError) as raised:
            notifier.publish("news", body="Hello")
        assert "ntf_key" not in f"{raised.value!r} {notifier!r}"


def test_a_list_of_the_inbox_says_where_its_stream_goes_on() -> None:
    item = {
        "id": 1,
        "title": "Hi",
        "body": "",
        "status": "unread",
        "created_at": "2026-11-22T10:00Z",
    }
    first = {"data": [item], "next": "c", "unread": 2, "unseen": 1, "last_event_id": "7"}
    # What changed while the first page was read is told by the stream: its id is the one to keep.
    second = {"data": [item], "next": None, "unread": 9, "unseen": 9, "last_event_id": "8"}
    with serving((200, first), (200, second)) as script:
        with InboxClient(script.url, "token") as inbox:
            items = inbox.items()
            assert (items.last_event_id, script.seen) == ("", [])
            assert next(items).title == "Hi"
            assert (items.last_event_id, items.unread, items.unseen) == ("7", 2, 1)
            assert len(list(items)) == 1
            assert (items.last_event_id, items.unread) == ("7", 2)
