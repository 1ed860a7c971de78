"""Requests that are repeated until they are answered, where repeating them does no harm."""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from notifier.client.errors import ConnectionFailed, NotifierError, from_problem

#: What a proxy, an overloaded or a restarting service answers: it may be different in a moment.
_PASSING = frozenset({429, 502, 503, 504})
_IN_FLIGHT = "idempotency-in-flight"
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
_CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx. ``body`` is the parsed JSON, ``None`` where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Transport:
    """Keeps connections open; any thread may use it. Make it in the process that uses it.

    ``timeout``: seconds one request may take; ``retry_for``: seconds in which a call may start
    over, waits included.
    """

    def __init__(
        self, base_url: str, api_key: str, *, timeout: float, retry_for: float, user_agent: str
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._retry_for = retry_for
        self._headers = {
            "authorization": f"Bearer {api_key}",
            "accept": "application/json",
            "user-agent": user_agent,
        }
        self._pool = urllib3.PoolManager(
            maxsize=16,
            timeout=urllib3.Timeout(connect=min(timeout, _CONNECT_TIMEOUT), read=timeout),
            retries=False,
        )

    def close(self) -> None:
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """The answer, if it is a 2xx; raises ``NotifierError``.

        ``key`` is the Idempotency-Key, the same however often the request is made.
        ``repeatable``: whether making the request twice does no more than making it once; if
        not, it is repeated only where the first one cannot have been acted upon.
        """
        deadline = time.monotonic() + self._retry_for
        attempt = 0
        while True:
            try:
                return self._once(method, path, body, query, key)
            except NotifierError as error:
                wait = _backoff(attempt, error.retry_after)
                if not _may_repeat(error, repeatable) or time.monotonic() + wait > deadline:
                    raise
            time.sleep(wait)
            attempt += 1

    def _once(
        self,
        method: str,
        path: str,
        body: Any,
        query: Mapping[str, Any] | None,
        key: str | None,
    ) -> Answer:
        headers = dict(self._headers)
        if key is not None:
            headers["idempotency-key"] = key
        encoded = None
        if body is not None:
            headers["content-type"] = "application/json"
            encoded = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        url = f"{self._base_url}{path}"
        if query:
            url += f"?{urlencode(query)}"
        try:
            response = self._pool.request(method, url, body=encoded, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise _connection_failed(self._base_url, error) from error
        answer = _parsed(response.data)
        if 200 <= response.status < 300:
            return Answer(response.status, response.headers, answer)
        raise from_problem(
            response.status,
            answer if isinstance(answer, dict) else {},
            _seconds(response.headers.get("retry-after")),
        )


def _connection_failed(base_url: str, error: Exception) -> ConnectionFailed:
    # Both mean that no request was written.
    unwritten = isinstance(
        error, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    )
    kind = "not-connected" if unwritten else "no-answer"
    return ConnectionFailed(f"{base_url} does not answer: {error}", type=kind)


def _may_repeat(error: NotifierError, repeatable: bool) -> bool:
    if error.status == 429 or error.type == "not-connected":
        return True
    passing = error.status in _PASSING or error.type == _IN_FLIGHT
    return repeatable and (passing or isinstance(error, ConnectionFailed))


def _backoff(attempt: int, asked: float | None) -> float:
    """Seconds to wait: twice as long each time, spread so that clients do not come back at once.

    What the service asked for is a floor.
    """
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**attempt)
    planned = longest * (0.5 + random.random() / 2)
    return planned if asked is None else max(planned, asked * (1 + 0.1 * random.random()))


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds. The service sends no dates, and a proxy's is left unread."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None


def _parsed(body: bytes) -> Any:
    """The JSON in ``body``; ``None`` where it is empty or, from some proxy, something else."""
    try:
        return json.loads(body)
    except ValueError:
        return None
