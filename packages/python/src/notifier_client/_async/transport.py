"""The asynchronous HTTP transport (aiohttp), which repeats calls where that is safe."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from yarl import URL

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


class AsyncTransport:
    """Connections to the service, for one event loop.

    ``timeout``: seconds for one request; ``retry_for``: seconds within which a call may be
    repeated, waits included. A call is over after the longer of both.
    """

    def __init__(self, base_url: str, token: str, *, timeout: float, retry_for: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._timeout, self._retry_for = timeout, retry_for
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def request(
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
                return await self._once(call, min(self._timeout, ends - time.monotonic()))
            except NotifierError as error:
                wait = backoff(attempt, error.retry_after)
                again = may_repeat(error, call.repeatable)
                if not again or time.monotonic() + wait > min(ends, began + self._retry_for):
                    raise
            await asyncio.sleep(wait)
            attempt += 1

    async def lines(self, path: str, query: Mapping[str, Any] | None = None) -> AsyncIterator[str]:
        """Iterate over the lines of a 2xx answer that goes on. Raises ``NotifierError``."""
        call = Call("GET", path, query=query)
        session = self._opened()
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT, sock_read=STREAM_SILENCE)
        try:
            async with session.get(
                URL(self._base_url + call.target, encoded=True),
                headers=call.headers(self._token) | {"accept": "text/event-stream"},
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                if response.status >= 300:
                    answer_of(response.status, response.headers, await response.read())
                async for line in response.content:
                    yield line.decode().rstrip("\n")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise connection_failed(self._base_url, error, written=True) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:  # a session can only be created in a running loop
            self._session = aiohttp.ClientSession(read_bufsize=2**20)
        return self._session

    async def _once(self, call: Call, seconds: float) -> Answer:
        # By default it would round up what is longer than five seconds.
        timeout = aiohttp.ClientTimeout(
            total=max(0.001, seconds), sock_connect=CONNECT_TIMEOUT, ceil_threshold=math.inf
        )
        try:
            async with self._opened().request(
                call.method,
                URL(self._base_url + call.target, encoded=True),
                data=call.encoded(),
                headers=call.headers(self._token),
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                return answer_of(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            # With both, no request was written.
            unwritten = isinstance(
                error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
            )
            raise connection_failed(self._base_url, error, written=not unwritten) from error
