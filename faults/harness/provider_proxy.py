"""A proxy in front of a provider that can swallow everything, like a dead network."""

import asyncio
import contextlib
import threading
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from stack.supervision.ports import HOST


class Gate:
    """A proxy: ``with Gate(base_url) as gate:`` listens at ``gate.url``.

    While it is ``shut``, nothing is forwarded or answered, and no connection breaks. When it is
    opened again, it breaks the connections of that time.
    """

    def __init__(self, base_url: str) -> None:
        self._to = urlsplit(base_url)
        self._shut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        server = self._call(asyncio.start_server(self._connected, HOST, 0))
        port = server.sockets[0].getsockname()[1]
        self.url = urlunsplit(self._to._replace(netloc=f"{HOST}:{port}"))
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def shut(self) -> None:
        self._shut = True

    def open(self) -> None:
        self._shut = False
        self._loop.call_soon_threadsafe(self._break)

    def _break(self) -> None:
        for writer in self._writers:
            writer.close()

    def _call(self, work: object) -> asyncio.Server:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._to.hostname, self._to.port)
        ends = {writer, back}
        self._writers |= ends
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._writers -= ends

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self._shut:
                    writer.write(data)
                    await writer.drain()
        writer.close()
