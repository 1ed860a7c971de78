"""The synchronous HTTP transport (urllib3), which repeats calls where that is safe."""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import urllib3

from notifier_client._sync.connections import pool, within
from notifier_client.calls import (
    CONNECT_TIMEOUT,
    STREAM_SILENCE,
    Answer,
    Call,
    answer_of,
    backoff,
    connection_failed,
    may_repeat,
)
from notifier_client.errors import NotifierError


class Transport:
    """Connections to the service, used by any thread of the process that created it.

    ``timeout``: seconds for one request; ``retry_for``: seconds within which a call may be
    repeated, waits included. A call is over after the longer of both.
    """

    def __init__(self, base_url: str, token: str, *, timeout: float, retry_for: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._timeout, self._retry_for = timeout, retry_for
        self._pool = pool(CONNECT_TIMEOUT, maxsize=16, retries=False)
        self._streams = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=STREAM_SILENCE), retries=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()
        self._streams.clear()

    def request(
        self, method: str, path: str, body: Any = None, *, within: float = math.inf, **rest: Any
    ) -> Answer:
        """Return a 2xx answer, or raise ``NotifierError``. ``rest``: fields of ``Call``.

        ``within``: seconds for this call, where that is less than it has anyway.
        """
        call = Call(method, path, body, **rest)
        began = time.monotonic()
        ends = began + min(within, max(self._timeout, self._retry_for))
        attempt = 0
        while True:
            try:
                return self._once(call, min(self._timeout, ends - time.monotonic()))
            except NotifierError as error:
                wait = backoff(attempt, error.retry_after)
                again = may_repeat(error, call.repeatable)
                if not again or time.monotonic() + wait > min(ends, began + self._retry_for):
                    raise
            time.sleep(wait)
            attempt += 1

    def lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """Iterate over the lines of a 2xx answer that goes on. Raises ``NotifierError``."""
        call = Call("GET", path, query=query)
        try:
            response = self._streams.request(
                "GET",
                self._base_url + call.target,
                headers=call.headers(self._token) | {"accept": "text/event-stream"},
                preload_content=False,
            )
            with response:
                if response.status >= 300:
                    answer_of(response.status, response.headers, response.data)
                part = b""
                for piece in response.stream():
                    *lines, part = (part + piece).split(b"\n")
                    for line in lines:
                        yield line.decode()
        except urllib3.exceptions.HTTPError as error:
            raise connection_failed(self._base_url, error, written=True) from error

    def _once(self, call: Call, seconds: float) -> Answer:
        try:
            with within(seconds):
                response = self._pool.request(
                    call.method,
                    self._base_url + call.target,
                    body=call.encoded(),
                    headers=call.headers(self._token),
                )
        except urllib3.exceptions.HTTPError as error:
            # With both, no request was written.
            unwritten = isinstance(
                error,
                (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError),
            )
            raise connection_failed(self._base_url, error, written=not unwritten) from error
        return answer_of(response.status, response.headers, response.data)
