"""Calls that are repeated until they are answered, where repeating them does no harm: urllib3."""

import time
from typing import Any

import urllib3

from notifier.client.calls import (
    CONNECT_TIMEOUT,
    Answer,
    Call,
    answer_of,
    backoff,
    connection_failed,
    may_repeat,
)
from notifier.client.errors import NotifierError


class Transport:
    """Keeps connections open; any thread may use it. Make it in the process that uses it.

    ``timeout``: seconds one request may take; ``retry_for``: seconds in which a call may start
    over, waits included.
    """

    def __init__(self, base_url: str, token: str, *, timeout: float, retry_for: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._retry_for = retry_for
        self._pool = urllib3.PoolManager(
            maxsize=16,
            timeout=urllib3.Timeout(connect=min(timeout, CONNECT_TIMEOUT), read=timeout),
            retries=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def request(self, method: str, path: str, body: Any = None, **rest: Any) -> Answer:
        """The answer, if it is a 2xx; raises ``NotifierError``. ``rest``: fields of ``Call``."""
        call = Call(method, path, body, **rest)
        deadline = time.monotonic() + self._retry_for
        attempt = 0
        while True:
            try:
                return self._once(call)
            except NotifierError as error:
                wait = backoff(attempt, error.retry_after)
                again = may_repeat(error, call.repeatable)
                if not again or time.monotonic() + wait > deadline:
                    raise
            time.sleep(wait)
            attempt += 1

    def _once(self, call: Call) -> Answer:
        try:
            response = self._pool.request(
                call.method,
                self._base_url + call.target,
                body=call.encoded(),
                headers=call.headers(self._token),
            )
        except urllib3.exceptions.HTTPError as error:
            # Both mean that no request was written.
            unwritten = isinstance(
                error,
                (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError),
            )
            raise connection_failed(self._base_url, error, written=not unwritten) from error
        return answer_of(response.status, response.headers, response.data)
