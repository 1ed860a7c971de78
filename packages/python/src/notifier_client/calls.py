"""Calls of the API, and when they are repeated, independent of the HTTP library."""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from notifier_client.errors import ConnectionFailed, NotFound, NotifierError, from_problem
from notifier_client.rows import InboxEvent
from notifier_client.version import __version__

#: Statuses of a proxy, or of an overloaded or restarting service: they may pass in a moment.
_PASSING = frozenset({429, 502, 503, 504})
_IN_FLIGHT = "idempotency-in-flight"
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
#: Seconds without a heartbeat after which a stream is lost: they come every 25.
STREAM_SILENCE = 60.0
#: Seconds for connecting.
CONNECT_TIMEOUT = 5.0
USER_AGENT = f"notifier-client/{__version__}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer. ``body``: the parsed JSON, ``None`` where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API, which may be made several times.

    ``key``: its Idempotency-Key. ``repeatable``: whether making it twice has the effect of making
    it once; if not, it is repeated only where the first one cannot have had an effect.
    """

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] | None = None
    key: str | None = None
    repeatable: bool = True

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def headers(self, token: str) -> dict[str, str]:
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json",
            "user-agent": USER_AGENT,
        }
        if self.key is not None:
            headers["idempotency-key"] = self.key
        if self.body is not None:
            headers["content-type"] = "application/json"
        return headers

    def encoded(self) -> bytes | None:
        if self.body is None:
            return None
        return json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()


def answer_of(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Return the answer if it is a 2xx; else raise a ``NotifierError``. ``headers`` ignore case."""
    parsed = _parsed(body)
    if 200 <= status < 300:
        if body and parsed is None:  # a log-in page of the network's, perhaps
            raise NotFound(
                f"The service answered {status} with something that is not JSON; check its base "
                "URL.",
                status=status,
            )
        return Answer(status, headers, parsed)
    raise from_problem(
        status,
        parsed if isinstance(parsed, dict) else {},
        _seconds(headers.get("retry-after")),
    )


class EventReader:
    """Reads server-sent events line by line: called with a line, it returns an event it ends."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def __call__(self, line: str) -> InboxEvent | None:
        name, _, value = line.partition(": ")
        if line:
            self._fields[name] = value
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields:  # a heartbeat, or ``retry`` alone
            return None
        data = json.loads(fields["data"])
        return InboxEvent(fields.get("event", "message"), data, fields.get("id", ""))


def connection_failed(base_url: str, error: Exception, *, written: bool) -> ConnectionFailed:
    """Return the error for a call without an answer."""
    kind = "no-answer" if written else "not-connected"
    cause = str(error) or type(error).__name__
    return ConnectionFailed(f"{base_url} does not answer: {cause}", type=kind)


def may_repeat(error: NotifierError, repeatable: bool) -> bool:
    """Return whether the call may be repeated after ``error``."""
    if error.status == 429 or error.type == "not-connected":
        return True
    passing = error.status in _PASSING or error.type == _IN_FLIGHT
    return repeatable and (passing or isinstance(error, ConnectionFailed))


def backoff(attempt: int, asked: float | None) -> float:
    """Return the seconds to wait: doubled with each attempt, and spread between clients.

    ``asked``: what the service asked for, which is a floor.
    """
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**attempt)
    planned = longest * (0.5 + random.random() / 2)
    return planned if asked is None else max(planned, asked * (1 + 0.1 * random.random()))


def _seconds(retry_after: str | None) -> float | None:
    """Parse Retry-After in seconds. The service sends no dates, and a proxy's is ignored."""
    value = (retry_after or "").strip()
    return float(value) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) else None


def _parsed(body: bytes) -> Any:
    """Parse ``body``; ``None`` where it is empty or not JSON, as a proxy's may be."""
    try:
        return json.loads(body)
    except ValueError:
        return None
