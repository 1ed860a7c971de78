"""The synchronous HTTP transport (urllib3), which repeats calls where that is safe."""

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
    """Connections to the service, used by any thread of the process that created it.

    ``timeout``: seconds for one request; ``retry_for``: seconds within which a call may be
    repeated, waits included.
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
        """Return a 2xx answer, or raise ``NotifierError``. ``rest``: fields of ``Call``."""
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
            # With both, no request was written.
            unwritten = isinstance(
                error,
                (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError),
            )
            raise connection_failed(self._base_url, error, written=not unwritten) from error
        return answer_of(response.status, response.headers, response.data)
