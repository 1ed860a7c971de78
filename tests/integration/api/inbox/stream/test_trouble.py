"""Messages that are lost, a Redis or a database that is away, and clients that do not read."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.core import cache
from apps.inbox.feed import bell
from apps.inbox.stream import application, events_of_inboxes, hub
from apps.inbox.stream.traces import SentTraces
from apps.preferences.models import Recipient
from stack.supervision.process import PATIENCE
from tests.support.publishers.streams import Reader, StreamServer
from tests.support.waiting import until

#: Together more than the kernel takes for a client that does not read.
LARGE, MANY = "x" * 100_000, 250
#: A statement that takes long, and not longer than statements may.
SLEEP = "SELECT pg_sleep(50)"
Token = Callable[..., str]
Put = Callable[..., int]
Opened = Callable[..., dict[str, Reader]]


@pytest.fixture
def opened(stream: StreamServer, token: Token, put: Put) -> Opened:
    """Give people an item each, and open the streams of their inboxes."""

    def make(*names: str) -> dict[str, Reader]:
        for name in names:
            put(name, "before")
        return {name: stream.open(token(name)) for name in names}

    return make


def test_what_no_message_said_is_found_all_the_same(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "EVERY", 0.2)
    put("ada", "before")
    ada = stream.open(token("ada"))
    monkeypatch.setattr(bell, "ring", lambda people: None)
    stream.app.hub._poll_now.set()  # it waits for ten seconds otherwise
    put("ada", "nobody rang")
    ada.wait_for("item")
    assert ada.titles() == ["nobody rang"]


def test_without_redis_it_looks_by_itself_and_says_so(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    put("ada", "before")
    ada = stream.open(token("ada"))
    with monkeypatch.context() as patch:
        patch.setattr(bell, "ring", lambda people: None)  # it would wait for Redis
        cache.ask_redis(lambda client: client.execute_command("CLIENT", "PAUSE", 8000, "ALL"))
        until(lambda: hub.POLLING._value.get() == 1)
        put("ada", "Redis is away")
        ada.wait_for("item")
    assert ada.titles() == ["Redis is away"]
    until(lambda: hub.POLLING._value.get() == 0)
    put("ada", "and back")
    ada.wait_for("item", 2)


def test_counts_are_right_where_an_item_came_while_the_inbox_was_being_read(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "EVERY", 0.2)
    put("ada", "before")
    ada = stream.open(token("ada"))
    monkeypatch.setattr(bell, "ring", lambda people: None)
    stream.app.hub._poll_now.set()  # it waits for ten seconds otherwise
    read, more = events_of_inboxes.statements.changes, ["between"]

    def changes(wanted: Any) -> Any:
        while more:
            put("ada", more.pop())
        return read(wanted)

    monkeypatch.setattr(events_of_inboxes.statements, "changes", changes)
    put("ada", "first")
    ada.wait_for("item", 2)
    until(lambda: ada.named("counts")[-1:] == [{"unread": 3, "unseen": 3}])


def test_a_message_that_is_none_of_ours_stops_nothing(stream: StreamServer, token: Token, put: Put):
    put("ada", "before")
    ada = stream.open(token("ada"))
    for odd in (b"x", b"", b"\0" * 16):
        cache.ask_redis(lambda client, odd=odd: client.publish(bell.CHANNEL, odd))
    put("ada", "after")
    ada.wait_for("item")


def test_a_database_that_is_away_for_a_moment_loses_nothing(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "PAUSE", 0.05)
    put("ada", "before")
    ada = stream.open(token("ada"))
    away, states, ping = [True] * 9, events_of_inboxes.statements.states, hub.ping

    def failing(what: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def ask(argument: Any) -> Any:
            if away:
                away.pop()
                raise OperationalError("the server closed the connection")
            return what(argument)

        return ask

    monkeypatch.setattr(events_of_inboxes.statements, "states", failing(states))
    monkeypatch.setattr(hub, "ping", failing(ping))
    put("ada", "meanwhile")
    ada.wait_for("item")
    assert not away


def test_who_connects_while_the_inbox_cannot_be_read_is_told_so(
    stream: StreamServer, token: Token, monkeypatch: pytest.MonkeyPatch
):
    def fails(*arguments: Any) -> Any:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(events_of_inboxes.statements, "states", fails)
    monkeypatch.setattr(application, "PATIENCE", 0.3)
    status, headers, body = stream.ask(authorization=f"Bearer {token('ada')}")
    assert status == 503 and headers["retry-after"] == "5"
    assert body["type"] == "/problems/unavailable"
    until(lambda: stream.app.hub.count == 0)


def test_a_client_that_does_not_read_is_told_the_rest_once_it_does(
    stream: StreamServer, token: Token, put: Put
):
    ids = [put("ada", str(number), body=LARGE) for number in range(MANY)]
    slow = socket.create_connection(("127.0.0.1", stream.port))
    slow.sendall(
        b"GET /v1/inbox/stream?since=0 HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer " + token("ada").encode() + b"\r\n\r\n"
    )
    until(lambda: any(one.busy for one in stream.app.hub._all()))
    # The others are told meanwhile.
    other = stream.open(token("ada"))
    ids.append(put("ada", "while it waits"))
    other.wait_for("item")
    got, last = bytearray(), b'"id":%d,' % ids[-1]
    while last not in got[-2 * len(LARGE) :]:
        got += slow.recv(1 << 20)
    slow.close()
    assert [got.count(b'"id":%d,' % one) for one in ids] == [1] * len(ids)


def test_a_client_that_never_reads_is_let_go(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "SLOWEST", 0.5)
    for number in range(MANY):
        put("ada", str(number), body=LARGE)
    dead = socket.create_connection(("127.0.0.1", stream.port))
    dead.sendall(
        b"GET /v1/inbox/stream?since=0 HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer " + token("ada").encode() + b"\r\n\r\n"
    )
    until(lambda: stream.app.hub.count == 1)
    until(lambda: stream.app.hub.count == 0)
    dead.settimeout(PATIENCE)
    taken = 0
    while some := dead.recv(1 << 20):
        taken += len(some)
    assert taken < MANY * len(LARGE)  # what the process had not given to the kernel is gone
    dead.close()


def test_an_inbox_that_cannot_be_read_keeps_nobody_else_waiting(
    opened: Opened, put: Put, monkeypatch: pytest.MonkeyPatch
):
    names = ["ada", "bob", "eve"]
    readers = opened(*names)
    states = events_of_inboxes.statements.states

    def fails(asked: Any) -> Any:
        if "bob" in asked:
            raise ValueError("an odd row")
        return states(asked)

    monkeypatch.setattr(events_of_inboxes.statements, "states", fails)
    with monkeypatch.context() as patch:
        patch.setattr(hub, "PAUSE", 3_600.0)
        for count in (1, 2, 3):
            for name in names:
                put(name, "after")
            for name in ("ada", "eve"):
                readers[name].wait_for("item", count)
    assert not readers["bob"].named("item")


def test_an_inbox_that_could_not_be_read_is_told_once_it_can(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "PAUSE", 0.01)
    put("ada", "before")
    ada = stream.open(token("ada"))
    states, odd = events_of_inboxes.statements.states, ["an odd row"] * 4

    def fails(asked: Any) -> Any:
        if odd:
            raise ValueError(odd.pop())
        return states(asked)

    monkeypatch.setattr(events_of_inboxes.statements, "states", fails)
    put("ada", "after")
    ada.wait_for("item")
    put("ada", "later")
    ada.wait_for("item", 2)
    assert ada.titles() == ["after", "later"]


def test_an_inbox_that_takes_long_to_read_keeps_nobody_else_waiting(
    opened: Opened, put: Put, monkeypatch: pytest.MonkeyPatch
):
    names = ["ada", "bob", "eve"]
    readers = opened(*names)
    monkeypatch.setattr(hub, "READ_WITHIN", 0.5)
    states, goes_on = events_of_inboxes.statements.states, threading.Event()

    def takes_long(asked: Any) -> Any:
        if "bob" in asked:
            goes_on.wait(PATIENCE)
        return states(asked)

    monkeypatch.setattr(events_of_inboxes.statements, "states", takes_long)
    for count in (1, 2):
        for name in names:
            put(name, "after")
        for name in ("ada", "eve"):
            readers[name].wait_for("item", count)
    assert not readers["bob"].named("item")
    goes_on.set()
    readers["bob"].wait_for("item", 2)


def test_who_is_read_alone_is_told_what_comes_later_also_after_an_error(
    stream: StreamServer, token: Token, put: Put, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "PAUSE", 0.01)
    monkeypatch.setattr(hub, "LONGEST_PAUSE", 0.01)
    put("ada", "before")
    ada = stream.open(token("ada"))
    states, odd = events_of_inboxes.statements.states, [OperationalError("a moment")]
    wrong = [ValueError("no span")]

    def fails(asked: Any) -> Any:
        if odd:
            raise odd.pop()
        return states(asked)

    def record(traces: SentTraces) -> None:
        if not odd and wrong:
            raise wrong.pop()

    monkeypatch.setattr(events_of_inboxes.statements, "states", fails)
    monkeypatch.setattr(SentTraces, "record", record)
    put("ada", "after")
    ada.wait_for("item")
    until(lambda: not wrong)
    put("ada", "later")
    ada.wait_for("item", 2)


def test_inboxes_that_take_long_do_not_keep_those_waiting_who_were_read_with_them(
    opened: Opened, put: Put, monkeypatch: pytest.MonkeyPatch
):
    slow, others = ["bob", "eve"], ["ada", "joe"]
    readers = opened(*slow, *others)
    monkeypatch.setattr(hub, "READ_WITHIN", 0.5)
    states, goes_on = events_of_inboxes.statements.states, threading.Event()

    def takes_long(asked: Any) -> Any:
        if not goes_on.is_set() and not {*slow}.isdisjoint(asked):
            with connection.cursor() as cursor:
                cursor.execute(SLEEP)
        return states(asked)

    monkeypatch.setattr(events_of_inboxes.statements, "states", takes_long)
    with monkeypatch.context() as patch:
        patch.setattr(bell, "ring", lambda people: None)
        for name in (*slow, *others):
            put(name, "after")
    recipients = Recipient.objects.in_bulk((*slow, *others), field_name="user_id")
    bell.ring([recipients[name].pk for name in (*slow, *others)])  # read together, the slow first
    for name in others:
        readers[name].wait_for("item")
    assert not any(readers[name].named("item") for name in slow)
    goes_on.set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = %s", [SLEEP]
        )
    for name in slow:
        readers[name].wait_for("item")


def test_heartbeats_keep_a_silent_connection_open(
    stream: StreamServer, token: Token, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hub, "HEARTBEAT", 0.1)
    ada = stream.open(token("ada"))
    until(lambda: ada.comments >= 2)


def test_connections_that_say_nothing_are_closed(
    stream: StreamServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("config.web.stream.HEADERS_WITHIN", 0.3)
    silent = [socket.create_connection(("127.0.0.1", stream.port)) for _ in range(50)]
    silent[0].sendall(b"GET /v1/inbox/stream HTTP/1.1\r\nHo")
    began = time.monotonic()
    for one in silent:
        one.settimeout(20)
        assert one.recv(1) == b""
        one.close()
    assert time.monotonic() - began < 20
