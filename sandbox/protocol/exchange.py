"""Requests and answers, independent of the HTTP version."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

#: Most bytes of a body; it exceeds every provider's own limit (SendGrid's 30 MB is the highest), so
#: a cut body is still refused for its length.
BODY_LIMIT = 30 * 1024 * 1024 + 1
#: Seconds after which an unanswered request is cut off.
LONGEST_SILENCE = 60.0
#: Seconds between two reads of a feed.
FEED_PAUSE = 0.25
#: Unsent bytes above which a feed waits for a slow client.
FEED_WAITS_AT = 256 * 1024


@dataclass(slots=True)
class Request:
    """A complete HTTP request. Header names are in lower case; ``path`` has no query.

    ``certificate_topic``: the user id in the client's TLS certificate, ``None`` without one.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    scheme: str
    http2: bool
    certificate_topic: str | None = None


class Delivery(Enum):
    """Part of an answer that is sent."""

    WHOLE = "whole"
    RESET = "reset"  # nothing; the stream (HTTP/2) or connection (HTTP/1.1) is reset
    TORN = "torn"  # the headers and half of the body, then a reset
    SILENT = "silent"  # nothing until the client gives up
    LIVE = "live"  # the headers, then the feed, until the client disconnects


@dataclass(slots=True)
class Answer:
    """An answer, sent after ``delay`` seconds.

    ``feed``: returns new bytes, in place of a body, for ``Delivery.LIVE``.
    """

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    delay: float = 0.0
    delivery: Delivery = Delivery.WHOLE
    feed: Callable[[], bytes] = bytes


Handler = Callable[[Request], Answer]


def json_answer(status: int, body: bytes, *headers: tuple[str, str]) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, body, [("content-type", "application/json; charset=utf-8"), *headers])
