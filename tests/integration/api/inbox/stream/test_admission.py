"""Connections whose token or ticket is being checked: how many there may be, and who has left."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.core import request_ids
from apps.inbox.models import Ticket
from apps.inbox.stream import application, tickets
from stack.supervision.process import PATIENCE
from tests.support.publishers.api_client import Api
from tests.support.publishers.streams import StreamServer
from tests.support.waiting import until

Token = Callable[..., str]
PAGE = "https://app.example.com"
#: Threads that check tokens.
THREADS = 8


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Tokens are checked once this event is set."""
    goes_on, verified = threading.Event(), application.verified

    def waits(authorization: str) -> Any:
        goes_on.wait(PATIENCE)
        return verified(authorization)

    monkeypatch.setattr(application, "verified", waits)
    monkeypatch.setattr(application, "PATIENCE", PATIENCE)
    yield goes_on
    goes_on.set()


@pytest.fixture
def begin(stream: StreamServer, token: Token) -> Iterator[Callable[..., socket.socket]]:
    """Request a stream, and do not wait for an answer."""
    sockets = []

    def make(query: str = "", origin: str = "") -> socket.socket:
        asking = socket.create_connection(("127.0.0.1", stream.port))
        sockets.append(asking)
        head = f"GET /v1/inbox/stream{query} HTTP/1.1\r\nHost: x\r\n"
        head += f"Origin: {origin}\r\n" if origin else ""
        asking.sendall(f"{head}Authorization: Bearer {token('ada')}\r\n\r\n".encode())
        return asking

    yield make
    for one in sockets:
        one.close()


def test_so_many_tokens_are_checked_at_once(
    stream: StreamServer,
    token: Token,
    checked: threading.Event,
    begin: Callable[..., socket.socket],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(application, "ADMITTED_AT_ONCE", 2)
    held = [begin() for _ in range(2)]
    until(lambda: stream.app.hub.count == 2)
    status, headers, body = stream.ask(authorization=f"Bearer {token('bob')}")
    assert (status, headers["retry-after"]) == (503, "5")
    assert body["type"] == "/problems/overloaded"
    checked.set()
    for one in held:
        one.recv(1)  # it is admitted
    stream.open(token("bob"))


def test_connections_that_are_being_admitted_count_for_the_limits(
    stream: StreamServer,
    checked: threading.Event,
    begin: Callable[..., socket.socket],
    settings: Any,
):
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    settings.STREAM_PER_ORIGIN, settings.STREAM_CONNECTIONS = 2, 3
    for _ in range(2):
        begin(origin=PAGE)
    until(lambda: stream.app.hub.count == 2)
    assert stream.ask(origin=PAGE)[0] == 429
    begin()
    until(lambda: stream.app.hub.count == 3)
    assert stream.ask()[0] == 503


def test_the_ticket_of_a_client_that_left_before_its_turn_is_not_used(
    stream: StreamServer,
    checked: threading.Event,
    begin: Callable[..., socket.socket],
    inbox: Callable[..., Api],
):
    issued = inbox("ada").post("inbox/stream/ticket", {}, status=201)
    for _ in range(THREADS):
        begin()
    until(lambda: stream.app.hub.count == THREADS)
    leaves = begin(f"?ticket={issued['ticket']}")
    until(lambda: stream.app.hub.count == THREADS + 1)
    leaves.close()
    until(lambda: stream.app.hub.count == THREADS)
    checked.set()
    until(lambda: len(stream.app.hub._all()) == THREADS)
    assert Ticket.objects.count() == 1
    stream.open(None, ticket=issued["ticket"])


def test_the_ticket_of_a_client_that_was_told_to_come_back_can_be_used(
    stream: StreamServer,
    token: Token,
    inbox: Callable[..., Api],
    monkeypatch: pytest.MonkeyPatch,
):
    issued = inbox("ada").post("inbox/stream/ticket", {}, status=201)
    redeem, goes_on = tickets.redeem, threading.Event()

    def takes_long(ticket: str) -> Any:
        found = redeem(ticket)
        goes_on.wait(PATIENCE)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(tickets, "redeem", takes_long)
        patch.setattr(application, "PATIENCE", 0.3)
        assert stream.ask(query={"ticket": issued["ticket"]})[0] == 503
    goes_on.set()
    stream.open(None, ticket=issued["ticket"])


def test_a_client_that_leaves_before_it_is_admitted_is_no_failure_in_the_log(
    stream: StreamServer,
    checked: threading.Event,
    begin: Callable[..., socket.socket],
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level("INFO", request_ids.access.name)
    leaves = begin()
    until(lambda: stream.app.hub.count == 1)
    leaves.close()
    until(lambda: any(one.name == request_ids.access.name for one in caplog.records))
    assert [one.status for one in caplog.records if one.name == request_ids.access.name] == [499]
