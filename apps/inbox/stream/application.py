"""The ASGI application: who may connect, and the answers to those who may not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson
from django.conf import settings
from django.db import connection as database
from django.db import transaction

from apps.api.problems import CONTENT_TYPE, Problem
from apps.core import clock, request_ids
from apps.core.database_errors import FAILURES
from apps.inbox.authentication import verified
from apps.inbox.feed.versions import LONGEST_VERSION
from apps.inbox.stream import tickets
from apps.inbox.stream.connections import Connection, Send
from apps.inbox.stream.events_of_inboxes import ping
from apps.inbox.stream.hub import Hub

PATH = "/v1/inbox/stream"
_PATHS = (PATH, "/healthz", "/readyz")
#: The key of a request's scope by which the server gives a function that closes its socket at once.
ABORT = "notifier.abort"
#: Seconds to wait until a token is checked, and then for the first read of the inbox.
PATIENCE = 10.0
#: Requests whose token or ticket is being checked, or waits for it.
ADMITTED_AT_ONCE = 4_000
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect events otherwise
    (b"x-content-type-options", b"nosniff"),
    (b"connection", b"close"),
]

Receive = Callable[[], Awaitable[dict[str, Any]]]
Headers = list[tuple[bytes, bytes]]


class _Request(NamedTuple):
    """The headers and query parameters of a request that matter here."""

    origin: str
    authorization: str
    ticket: str
    since: str
    request_id: str
    traceparent: str


class Stream:
    """The application. It answers ``/v1/inbox/stream``, and ``/healthz`` and ``/readyz``."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._verifying = ThreadPoolExecutor(8, thread_name_prefix="tokens")
        self._admitting = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        path, method = scope["path"], scope["method"]
        request = _read(scope)
        # The server runs each request in a task of its own, which ends with it.
        request_ids.current.set(request_ids.read(request.request_id, request.traceparent))
        answer = _Answer(send, method, path if path in _PATHS else "?")
        try:
            if path == PATH and method == "OPTIONS":
                await answer(204, _preflight(request.origin))
            elif path == PATH and method == "GET":
                await self._stream(request, receive, answer, scope[ABORT])
            elif path == PATH:
                raise Problem("method-not-allowed", "Use GET.", headers={"Allow": "GET, OPTIONS"})
            elif path == "/healthz":
                await answer(200, [], {"status": "ok"})
            elif path == "/readyz":
                await self._ready(answer)
            else:
                raise Problem("not-found", f"This process answers {PATH} alone.")
        except Problem as problem:
            await answer.refuse(problem, _allowed(request.origin))

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.hub.start()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _ready(self, answer: "_Answer") -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._verifying, ping, ())
        except FAILURES as error:
            said = {"status": "unavailable", "database": f"missing: {type(error).__name__}"}
            await answer(503, [], said)
            return
        await answer(200, [], {"status": "ok", "connections": self.hub.count})

    async def _stream(
        self, request: _Request, receive: Receive, answer: "_Answer", abort: Callable[[], None]
    ) -> None:
        allowed = _allowed(request.origin)
        if request.origin and not allowed:
            raise Problem(
                "forbidden",
                "Pages of this origin may not read inboxes here: operators name those that may in "
                "NOTIFIER_INBOX_ORIGINS.",
            )
        since = _since(request.since)
        self._check_capacity(request.origin)
        with self.hub.counted(request.origin):
            admitted = await self._admitted(request, receive)
            if admitted is None:
                answer.log(499)  # nobody is there to be answered
                return
            user_id, expires_at = admitted
            self._check_person(user_id)
            await self._open(
                Connection(
                    user_id,
                    since=since,
                    expires_at=time.monotonic() + expires_at - clock.now(),
                    start={
                        "type": "http.response.start",
                        "status": 200,
                        "headers": [*_HEADERS, *allowed, _own_id()],
                    },
                    send=answer.send,
                    abort=abort,
                ),
                receive,
            )
            answer.log(200)

    async def _admitted(self, request: _Request, receive: Receive) -> tuple[str, float] | None:
        """Return who connects, and until when they may; ``None`` if the client leaves before."""
        if self._admitting >= ADMITTED_AT_ONCE:
            raise _full()
        over = Event()
        loop = asyncio.get_running_loop()
        # It raises where the process ends: only what began is counted.
        admitting = loop.run_in_executor(self._verifying, _admit, request, over)
        leaving = asyncio.ensure_future(_left(receive))
        either: set[asyncio.Future[Any]] = {admitting, leaving}
        self._admitting += 1
        try:
            await asyncio.wait(either, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if admitting.done():
                return admitting.result()
            if leaving.done():
                return None
            raise _away()
        finally:
            over.set()
            admitting.cancel()  # what no thread has begun is not begun any more
            leaving.cancel()
            self._admitting -= 1

    async def _open(self, connection: Connection, receive: Receive) -> None:
        """Have changes sent to a connection until it ends."""
        self.hub.add(connection)
        try:
            try:
                async with asyncio.timeout(PATIENCE):
                    await connection.opened
            except TimeoutError:
                raise _away() from None
            await _left(receive)
        finally:
            self.hub.remove(connection)
            connection.leave()

    def _check_capacity(self, origin: str) -> None:
        """Raise a ``Problem`` where there are as many connections as there may be."""
        if self.hub.stopping or self.hub.count >= settings.STREAM_CONNECTIONS:
            raise _full()
        if origin and self.hub.of_origin(origin) >= settings.STREAM_PER_ORIGIN:
            raise Problem(
                "rate-limited",
                "Pages of this origin have as many streams as they may. Connect again later.",
                headers={"Retry-After": "30"},
            )

    def _check_person(self, user_id: str) -> None:
        """Raise a ``Problem`` where a person has as many connections as they may."""
        if self.hub.stopping:
            raise _full()
        if self.hub.of_person(user_id) >= settings.STREAM_PER_PERSON:
            raise Problem(
                "rate-limited",
                f"You have {settings.STREAM_PER_PERSON} streams open already. Let the tabs of a "
                "browser share one, and end those that are not needed.",
                headers={"Retry-After": "30"},
            )


async def _left(receive: Receive) -> None:
    """Wait until the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _full() -> Problem:
    return Problem(
        "overloaded",
        "This process has as many streams as it may. Connect again in a moment.",
        headers={"Retry-After": "5"},
    )


def _away() -> Problem:
    return Problem(
        "unavailable",
        "Your inbox cannot be read now. Connect again in a moment.",
        headers={"Retry-After": "5"},
    )


def _read(scope: Mapping[str, Any]) -> _Request:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return _Request(
        origin=headers.get(b"origin", ""),
        authorization=headers.get(b"authorization", ""),
        ticket=query.get("ticket", [""])[-1],
        # A browser that comes back by itself has the same URL as before, and a later id.
        since=headers.get(b"last-event-id", "") or query.get("since", [""])[-1],
        request_id=headers.get(b"x-request-id", ""),
        traceparent=headers.get(b"traceparent", ""),
    )


def _since(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_VERSION):
        raise Problem(
            "invalid-request",
            "Last-Event-ID, or since, is the id of the last event that you got, or last_event_id "
            "of a page of the inbox.",
        )
    return int(text)


def _admit(request: _Request, over: Event) -> tuple[str, float]:
    """Return who connects, and until when they may (unix seconds). Raises a ``Problem``.

    ``over``: set where nobody waits for it any more, and a ticket can be used later.
    """
    if not request.ticket:
        return verified(request.authorization)
    found = None
    try:
        if tickets.is_one(request.ticket):
            with transaction.atomic():
                found = tickets.redeem(request.ticket)
                transaction.set_rollback(over.is_set())
    except FAILURES:
        raise Problem(
            "unavailable",
            "Tickets cannot be checked now. Get another one in a moment, and connect again.",
            headers={"Retry-After": "5"},
        ) from None
    finally:
        database.close()
    if found is None:
        raise Problem(
            "invalid-token",
            "The ticket is unknown, or was used before, or is older than a minute. Get another "
            f"one: POST {PATH}/ticket.",
        )
    return found


def _allowed(origin: str) -> Headers:
    """Return the headers that let a page of an origin read the answer; none if it may not."""
    if origin not in settings.CORS_ALLOWED_ORIGINS:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", ", ".join(settings.CORS_EXPOSE_HEADERS).encode()),
        (b"vary", b"origin"),
    ]


def _preflight(origin: str) -> Headers:
    allowed = _allowed(origin)
    if not allowed:
        return [(b"vary", b"origin")]
    return [
        *allowed,
        (b"access-control-allow-methods", b"GET"),
        (b"access-control-allow-headers", ", ".join(settings.CORS_ALLOW_HEADERS).encode()),
        (b"access-control-max-age", b"%d" % settings.CORS_PREFLIGHT_MAX_AGE),
    ]


def _own_id() -> tuple[bytes, bytes]:
    ids = request_ids.current.get()
    assert ids is not None, "a request has ids before it is answered"
    return request_ids.HEADER.lower().encode(), ids.request_id.encode()


class _Answer:
    """The answer to a request; ``route``: its path, where that is one of ours."""

    __slots__ = ("_method", "_route", "_since", "send")

    def __init__(self, send: Send, method: str, route: str) -> None:
        self.send = send
        self._method, self._route, self._since = method, route, time.monotonic()

    async def __call__(
        self, status: int, headers: Headers, body: Mapping[str, Any] | None = None
    ) -> None:
        """Send a whole answer."""
        data = b"" if body is None else orjson.dumps(body)
        if body is not None and not any(name == b"content-type" for name, _ in headers):
            headers = [(b"content-type", b"application/json"), *headers]
        with suppress(OSError):  # the client has left
            await self.send(
                {
                    "type": "http.response.start",
                    "status": status,
                    # One request a connection: the server waits for the headers of the first alone.
                    "headers": [
                        *headers,
                        _own_id(),
                        (b"content-length", b"%d" % len(data)),
                        (b"connection", b"close"),
                    ],
                }
            )
            await self.send({"type": "http.response.body", "body": data})
        self.log(status)

    async def refuse(self, problem: Problem, headers: Headers) -> None:
        """Send a problem."""
        own = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        content_type = (b"content-type", CONTENT_TYPE.encode())
        await self(problem.status_code, [content_type, *own, *headers], problem.body())

    def log(self, status: int) -> None:
        """Write its line into the access log; that of a stream once it has ended."""
        request_ids.log_answer(self._method, self._route, status, self._since)
