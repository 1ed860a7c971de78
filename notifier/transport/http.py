"""The HTTP client of all calls to providers.

It uses pyreqwest (Rust's hyper), the cheapest client that loses no request at an HTTP/2 GOAWAY.
After a failure a caller must know one thing: can the provider have the message? ``NotWritten`` says
no, ``NoAnswer`` says perhaps.
"""

import itertools
import re
import time
from collections.abc import Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PoolTimeoutError, RequestError, RequestTimeoutError
from pyreqwest.request import StreamRequest

#: Bytes of an answer; no provider's is longer, and a longer one is cut.
BODY_LIMIT = 64 * 1024
#: Seconds for connecting (name look-up, TCP and TLS), and never more than half of the whole
#: deadline, so that a timeout of the whole call means that the request had been written.
CONNECT_TIMEOUT = 5.0
IDLE_TIMEOUT = timedelta(seconds=90)
PING_INTERVAL = timedelta(seconds=30)
PING_TIMEOUT = timedelta(seconds=10)

#: hyper's messages, among an error's causes, that prove that the server did not process the
#: request. The exception's class proves nothing: ``ConnectError`` and ``ConnectTimeoutError`` are
#: also raised for connections lost after writing. ``tests/unit/transport/test_http.py`` verifies
#: each message.
UNWRITTEN = (
    "client error (Connect)",  # name look-up, TCP, TLS
    "refused stream before processing any application logic",  # RST_STREAM(REFUSED_STREAM)
    # GOAWAY, for streams above its last-stream-id only (RFC 9113 6.8: not processed). Streams
    # below it end in "broken pipe", which proves nothing.
    "connection error received",
)


class NotWritten(Exception):
    """The provider has not got the request: a retry cannot make a second copy."""


class NoAnswer(Exception):
    """The request was, or may have been, written, and no answer came.

    ``timed_out``: whether the deadline ended it, not a lost connection.
    """

    def __init__(self, detail: str, *, timed_out: bool) -> None:
        super().__init__(detail)
        self.timed_out = timed_out


class Reply(NamedTuple):
    """A server's answer.

    ``headers`` ignores case. ``body``: at most ``BODY_LIMIT`` bytes, and empty where it broke off:
    once there is a status, the status decides.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """Return the first header of that name; empty where there is none in ASCII."""
        try:
            return self.headers.get(name) or ""
        except ValueError:  # bytes beyond ASCII
            return ""

    @property
    def retry_after(self) -> float | None:
        """Seconds of the ``Retry-After`` header, or ``None`` where there is none."""
        return retry_after(self.header("retry-after"), time.time())


class Wire:
    """Connections to one server.

    - ``base_url``: scheme, host and port, to which ``request`` adds the path.
    - ``http2``: HTTP/2 from the first byte; with ALPN a cold start would open a connection for each
      request.
    - ``ca_file``: PEM to trust beside the system's.
    - ``identity``: client certificate and key, PEM.
    - ``connections``: how many to spread calls over (servers allow some 100 streams on each).
    - ``timeout``: seconds for one call, connecting and answer together.
    - ``address``: host and the IP address to connect to, whatever the host's name resolves to.

    Connections open at the first request, in the process that makes it: a client made before a
    fork hangs in the child. Raises ``OSError`` where a file cannot be read.
    """

    def __init__(
        self,
        base_url: str,
        *,
        http2: bool = False,
        ca_file: str | None = None,
        identity: bytes | None = None,
        connections: int = 1,
        timeout: float = 10.0,
        address: tuple[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._http2 = http2
        self._ca = Path(ca_file).read_bytes() if ca_file else None
        self._identity = identity
        self._connections = connections
        self._address = address
        self._clients: list[Client] = []
        self._turn = itertools.count()

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Reply:
        """Make one call.

        Raises ``NotWritten``, ``NoAnswer``, or ``ValueError`` for a header or path that HTTP cannot
        carry.
        """
        if not self._clients:
            self.open()
        client = self._clients[next(self._turn) % len(self._clients)]
        builder = client.request(method, self.base_url + path).headers(headers)
        if body:
            builder = builder.body_bytes(body)
        if timeout is not None:
            builder = builder.timeout(timedelta(seconds=timeout))
        # With a buffer, pyreqwest reads ahead, and a broken body would lose the status.
        return await _exchange(builder.streamed_read_buffer_limit(0).build_streamed())

    def open(self) -> None:
        """Build the clients: a few milliseconds of CPU each. They connect on use."""
        self._clients = [self._client() for _ in range(self._connections)]

    async def close(self) -> None:
        """Close every connection; calls in flight end in ``NoAnswer``."""
        clients, self._clients = self._clients, []
        for client in clients:
            await client.close()

    def _client(self) -> Client:
        builder = (
            ClientBuilder()
            .user_agent("Notifier")
            .follow_redirects(False)
            .referer(False)
            .no_proxy()  # a proxy from the environment would undo ``address``
            .gzip(False)  # without decompression no small answer becomes a huge one
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .timeout(timedelta(seconds=self.timeout))
            .connect_timeout(timedelta(seconds=min(CONNECT_TIMEOUT, self.timeout / 2)))
            .pool_idle_timeout(IDLE_TIMEOUT)
        )
        if self._http2:
            # Pings find a dead connection before a message is lost on it.
            builder = (
                builder.http2_prior_knowledge()
                .http2_keep_alive_interval(PING_INTERVAL)
                .http2_keep_alive_timeout(PING_TIMEOUT)
            )
        if self._ca:
            builder = builder.add_root_certificate_pem(self._ca)
        if self._identity:
            builder = builder.identity_pem(self._identity)
        if self._address:
            host, ip = self._address
            builder = builder.resolve(host, ip, 0)  # 0: the URL's port
        return builder.build()


async def _exchange(request: StreamRequest) -> Reply:
    status = 0
    headers: Mapping[str, str] = {}
    body = b""
    try:
        async with request as response:
            status, headers = response.status, response.headers
            body = bytes(await response.body_reader.read(BODY_LIMIT) or b"")
    except RequestError as error:
        if status:  # only the body is missing
            return Reply(status, headers, b"")
        raise _classified(error) from None  # its text has the URL, which may be an address
    return Reply(status, headers, body)


def _classified(error: RequestError) -> NotWritten | NoAnswer:
    causes = [cause["message"] for cause in error.details.get("causes") or ()]
    # The first cause names the URL; the last one says what happened.
    detail = causes[-1] if len(causes) > 1 else error.message
    if isinstance(error, PoolTimeoutError) or any(
        words in cause for cause in causes for words in UNWRITTEN
    ):
        return NotWritten(detail)
    return NoAnswer(detail, timed_out=isinstance(error, RequestTimeoutError))


def retry_after(value: str | None, now: float) -> float | None:
    """Parse ``Retry-After`` (RFC 9110 10.2.3: seconds or a date) to seconds from ``now``.

    ``now``: unix seconds. Returns ``None`` where there is none or it cannot be parsed, and 0 for a
    date in the past. The retry policy limits it.
    """
    if not value:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return max(0.0, at.timestamp() - now)
    except (ValueError, OverflowError, TypeError, IndexError):  # the last two in 3.11 only
        return None
