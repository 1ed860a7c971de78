"""A request as the stand-in providers see it, and what they want done with it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

#: No more of a body is kept; it is over every provider's own limit (SendGrid's 30 MB is the
#: highest), so whoever checks its length refuses it.
BODY_LIMIT = 30 * 1024 * 1024 + 1
#: Who never gives up waiting is cut off after so many seconds.
LONGEST_SILENCE = 60.0
#: Seconds between two looks at what a feed has.
FEED_PAUSE = 0.25
#: Bytes on their way to a client that reads slowly, from which on a feed waits.
FEED_WAITS_AT = 256 * 1024


@dataclass(slots=True)
class Request:
    """One HTTP request, whole. Header names are lower case; ``path`` has no query.

    ``certificate_topic`` is the user id in the client's TLS certificate, ``None`` without one.
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
    """How far an answer gets."""

    WHOLE = "whole"
    RESET = "reset"  # nothing of it; the stream (HTTP/2) or connection (HTTP/1.1) is reset
    TORN = "torn"  # the headers and half of the body, then a reset
    SILENT = "silent"  # nothing at all until the client gives up
    LIVE = "live"  # the headers, then what the feed has, until the client leaves


@dataclass(slots=True)
class Answer:
    """``status``, ``headers`` and ``body``, sent ``delay`` seconds from now.

    ``feed`` gives what is new, for ``Delivery.LIVE`` in place of a body.
    """

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    delay: float = 0.0
    delivery: Delivery = Delivery.WHOLE
    feed: Callable[[], bytes] = bytes


Handler = Callable[[Request], Answer]


def json_answer(status: int, body: bytes, *headers: tuple[str, str]) -> Answer:
    return Answer(status, body, [("content-type", "application/json; charset=utf-8"), *headers])
