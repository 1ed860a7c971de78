"""Tiny servers that do one thing to a request, for tests of the transport."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextlib.asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """The port at which ``handler`` answers each connection."""

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """One HTTP/1.1 request: its head, lower case, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    size = int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0)
    return head, await reader.readexactly(size)


def answering(raw: bytes, *, stay: bool = False) -> Handler:
    """Read a request, write ``raw``, and close or (``stay``) write no more."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)
        await writer.drain()
        if stay:
            await reader.read()

    return handler


async def always_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer 200 to every request on a connection."""
    while True:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()


@dataclass
class Http2Server:
    """HTTP/2 in clear text.

    ``answer(connection, stream id, nth request)`` acts on each request and may return ``True`` to
    cut the connection. ``requests`` has the headers of each.
    """

    answer: Callable[[h2.connection.H2Connection, int, int], bool | None]
    requests: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            cut = False
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.requests.append({k.decode(): v.decode() for k, v in event.headers})
                if isinstance(event, h2.events.StreamEnded):
                    cut = bool(self.answer(connection, event.stream_id, len(self.requests)))
            writer.write(connection.data_to_send())
            await writer.drain()
            if cut:
                return


def ok(connection: h2.connection.H2Connection, stream: int, _: int = 0) -> None:
    """Answer 200 with an empty object."""
    connection.send_headers(stream, [(":status", "200")])
    connection.send_data(stream, b"{}", end_stream=True)
