"""Who may open a stream, from which pages, how often, and until when."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from apps.inbox.models import Ticket
from tests.support.publishers.api_client import Api
from tests.support.publishers.streams import StreamServer
from tests.support.waiting import until

Token = Callable[..., str]
PAGE = "https://app.example.com"


def refused(answer: tuple[int, dict[str, str], Any]) -> tuple[int, str]:
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    return status, body["type"].rpartition("/")[2]


def test_a_token_is_needed(stream: StreamServer, token: Token):
    assert refused(stream.ask()) == (401, "missing-token")
    assert refused(stream.ask(authorization="Bearer x")) == (401, "invalid-token")
    expired = token("ada", exp=1)
    assert refused(stream.ask(authorization=f"Bearer {expired}")) == (401, "expired-token")


def test_an_answer_names_its_request(stream: StreamServer, token: Token):
    assert stream.ask(x_request_id="mine")[1]["x-request-id"] == "mine"
    made = stream.ask(x_request_id="ada@example.com")[1]["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    opened = stream.open(token("ada")).response.getheader("x-request-id")
    assert re.fullmatch("[0-9a-f]{32}", opened or "") and opened != made


def test_the_stream_ends_with_the_token(
    stream: StreamServer, token: Token, monkeypatch: pytest.MonkeyPatch
):
    ada = stream.open(token("ada"))
    [connection] = stream.app.hub._all()
    connection.expires_at = 0.0
    ada.wait_for("expired")
    until(lambda: ada.ended and stream.app.hub.count == 0)


def test_a_ticket_opens_one_stream(stream: StreamServer, inbox: Callable[..., Api], put: Any):
    put("ada")
    issued = inbox("ada").post("inbox/stream/ticket", {}, status=201)
    ada = stream.open(None, ticket=issued["ticket"])
    put("ada", "for ada")
    ada.wait_for("item")
    assert refused(stream.ask(query={"ticket": issued["ticket"]})) == (401, "invalid-token")
    assert refused(stream.ask(query={"ticket": "x"})) == (401, "invalid-token")


def test_a_ticket_is_for_a_minute(stream: StreamServer, inbox: Callable[..., Api]):
    issued = inbox("ada").post("inbox/stream/ticket", {}, status=201)
    assert issued["ticket"].encode() not in bytes(Ticket.objects.get().digest)
    Ticket.objects.update(expires_at="2026-01-01T00:00:00Z")
    assert refused(stream.ask(query={"ticket": issued["ticket"]})) == (401, "invalid-token")


def test_pages_of_the_origins_that_are_named_may_connect(
    stream: StreamServer, token: Token, settings: Any
):
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    status, headers, _ = stream.ask(method="OPTIONS", origin=PAGE)
    assert status == 204 and headers["access-control-allow-origin"] == PAGE
    assert "authorization" in headers["access-control-allow-headers"]
    ada = stream.open(token("ada"), origin=PAGE)
    assert ada.response.getheader("access-control-allow-origin") == PAGE
    assert ada.response.getheader("vary") == "origin"
    # A page must be able to read why it was refused, too.
    status, headers, _ = stream.ask(origin=PAGE)
    assert status == 401 and headers["access-control-allow-origin"] == PAGE
    assert headers["access-control-expose-headers"] == "retry-after, date, x-request-id"
    other = "https://evil.example.com"
    status, headers, _ = stream.ask(method="OPTIONS", origin=other)
    assert "access-control-allow-origin" not in headers
    answer = stream.ask(origin=other, authorization=f"Bearer {token('ada')}")
    assert refused(answer) == (403, "forbidden")


def test_streams_are_limited_by_person_origin_and_process(
    stream: StreamServer, token: Token, settings: Any
):
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    settings.STREAM_PER_PERSON, settings.STREAM_PER_ORIGIN, settings.STREAM_CONNECTIONS = 2, 3, 5

    def ask(user_id: str, origin: str | None = None) -> tuple[int, str]:
        answer = stream.ask(authorization=f"Bearer {token(user_id)}", origin=origin)
        assert int(answer[1]["retry-after"]) > 0
        return refused(answer)

    opened = [stream.open(token("ada"), origin=PAGE) for _ in range(2)]
    assert ask("ada") == (429, "rate-limited")
    stream.open(token("bob"), origin=PAGE)
    assert ask("eve", PAGE) == (429, "rate-limited")
    for user_id in ("eve", "kim"):
        stream.open(token(user_id))
    assert ask("lee") == (503, "overloaded")
    opened[0].close()
    until(lambda: stream.app.hub.count == 4)
    stream.open(token("lee"))


@pytest.mark.parametrize("since", ["x", "-1", "1.5", "9" * 19, "１"])
def test_an_id_that_is_none_is_refused(stream: StreamServer, token: Token, since: str):
    answer = stream.ask(query={"since": since}, authorization=f"Bearer {token('ada')}")
    assert refused(answer) == (400, "invalid-request")


def test_other_paths_and_methods_say_so(stream: StreamServer):
    assert refused(stream.ask("/v1/inbox")) == (404, "not-found")
    assert refused(stream.ask(method="POST")) == (405, "method-not-allowed")
    assert stream.ask("/healthz")[::2] == (200, {"status": "ok"})
    assert stream.ask("/readyz")[::2] == (200, {"status": "ok", "connections": 0})


def test_the_api_says_where_the_stream_is(inbox: Callable[..., Api]):
    problem = inbox("ada").get("inbox/stream", status=404)
    assert "process of its own" in json.dumps(problem)


def test_clients_are_told_to_come_back_spread(stream: StreamServer, token: Token, put: Any):
    put("ada")  # bob and eve are not registered
    readers = [stream.open(token(name)) for name in ("ada", "bob", "eve")]
    # At the beginning: a process that is killed says nothing at its end.
    retries = {reader.retry for reader in readers}
    stream.stop()
    for reader in readers:
        reader.wait_for("restart")
        until(lambda reader=reader: reader.ended)
        assert reader.retry in retries and 1_000 <= reader.retry <= 6_000
    assert len(retries) > 1
