"""Detection of a connection's protocol: HTTP/2 if it begins with its preface, else HTTP/1.1.

Detection by the first bytes, not by ALPN, also serves clients with prior knowledge, with and
without TLS.
"""

import asyncio
from typing import cast

from sandbox.protocol.exchange import Handler
from sandbox.protocol.http1 import Http1Connection
from sandbox.protocol.http2 import Http2Connection

PREFACE = b"PRI"


class Listener(asyncio.Protocol):
    """A connection that delegates to the protocol that it detects, and registers itself."""

    def __init__(self, handler: Handler, open_connections: "set[Listener]") -> None:
        self._handler = handler
        self._open = open_connections
        self._seen = b""
        self._speaker: Http1Connection | Http2Connection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses
        self._scheme = "https" if transport.get_extra_info("ssl_object") else "http"
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        if self._speaker:
            self._speaker.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._speaker:
            self._speaker.data_received(data)
            return
        self._seen += data
        if len(self._seen) < len(PREFACE):
            return
        kind = Http2Connection if self._seen.startswith(PREFACE) else Http1Connection
        self._speaker = kind(self._handler, self._scheme)
        self._speaker.connection_made(self._transport)
        self._speaker.data_received(self._seen)

    def leave(self) -> None:
        """Close the connection because the server stops."""
        if self._speaker:
            self._speaker.leave()
        else:
            self._transport.abort()
