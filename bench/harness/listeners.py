"""Thousands of open streams in one process, as browsers keep them; and ``Listeners``, its owner.

``python -m bench.harness.listeners URL SOCKET``: takes commands at a Unix socket, each a line of
JSON that is answered with one. ``{"open": [token…], "per_second": n}`` opens streams, and is
answered at once; ``{"report": true}`` is answered with what has come since the last report. A
stream that ends is opened again after the ``retry`` that it was told, with the id of the last event
that it got.
"""

import asyncio
import json
import os
import random
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop

from stack.errors import StackError
from stack.state_directory import State
from stack.supervision.process import Process

PATH = "/v1/inbox/stream"
#: Seconds to wait for all streams to be open.
PATIENCE = 180.0


class _Stream(asyncio.Protocol):
    """One person's stream: reads events, and comes back when it ends."""

    __slots__ = ("_buffer", "_id", "_retry", "_token", "_told", "is_open")

    def __init__(self, told: "_Told", token: str) -> None:
        self._told = told
        self._token = token
        self._id = ""
        self._retry = 1.0
        self._buffer = b""
        self.is_open = False

    def connection_made(self, transport: Any) -> None:
        last = f"Last-Event-ID: {self._id}\r\n" if self._id else ""
        transport.write(
            f"GET {PATH} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {self._token}\r\n{last}\r\n".encode()
        )
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *events, self._buffer = self._buffer.split(b"\n\n")
        for event in events:
            self._event(event)

    def _event(self, event: bytes) -> None:
        # Lines of the chunks' lengths are among them, and have no meaning here.
        fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
        self._id = fields.get(b"id", self._id.encode()).decode()
        if b"retry" in fields:
            self._retry = int(fields[b"retry"]) / 1000
        name = fields.get(b"event")
        if name == b"ready" and not self.is_open:
            self.is_open = True
            self._told.opened(1)
        elif name == b"item":
            self._told.item(json.loads(fields[b"data"]))
        elif name == b"resync":
            self._told.resyncs += 1

    def connection_lost(self, error: Exception | None) -> None:
        if self.is_open:
            self.is_open = False
            self._told.opened(-1)
        else:
            self._retry = max(self._retry, random.uniform(0.5, 1.5))
        asyncio.get_running_loop().call_later(self._retry, self.start)

    def start(self) -> None:
        """Connect, or try again in a moment."""
        asyncio.get_running_loop().create_task(self._start())

    async def _start(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, *self._told.address)
        except OSError:
            asyncio.get_running_loop().call_later(random.uniform(0.2, 1.0), self.start)


class _Told:
    """Events of all streams. ``data`` of an item says when it was posted, and its number."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self.address = str(place.hostname), int(place.port or 80)
        self.number = 0
        self.resyncs = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.items = 0
        self.seconds: list[float] = []
        self.seen: Counter[int] = Counter()

    def opened(self, more: int) -> None:
        self.number += more

    def item(self, item: dict[str, Any]) -> None:
        self.items += 1
        if "at" in item["data"]:
            self.seconds.append(time.time() - float(item["data"]["at"]))
            self.seen[int(item["data"]["number"])] += 1

    def report(self) -> dict[str, Any]:
        found = {
            "open": self.number,
            "items": self.items,
            "seconds": self.seconds,
            "seen": sorted(self.seen),
            "twice": sum(times - 1 for times in self.seen.values()),
            "resyncs": self.resyncs,
        }
        self.items, self.seconds, self.seen, self.resyncs = 0, [], Counter(), 0
        return found


async def _serve(url: str, path: str) -> None:
    told = _Told(url)

    async def open_streams(tokens: Sequence[str], per_second: float) -> None:
        for place, token in enumerate(tokens):
            _Stream(told, token).start()
            if place % 20 == 0:
                await asyncio.sleep(20 / per_second)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            command = json.loads(line)
            if "open" in command:
                opening = open_streams(command["open"], command["per_second"])
                told.tasks.append(asyncio.get_running_loop().create_task(opening))
            found = told.report() if "report" in command else {"open": told.number}
            writer.write(json.dumps(found).encode() + b"\n")
            await writer.drain()

    server = await asyncio.start_unix_server(answer, path, limit=2**26)
    await server.serve_forever()


class Report(NamedTuple):
    """The events since the last report.

    ``open``: streams that are open now; ``items``: all items; ``seconds``: from the request to the
    event, of those that say when they were posted; ``seen``: their numbers; ``twice``: of how many
    events there was one too many; ``resyncs``: streams that were told to list again.
    """

    open: int
    items: int
    seconds: list[float]
    seen: list[int]
    twice: int
    resyncs: int


class Listeners(Process):
    """The process with the streams: ``with Listeners(state, url) as listeners``."""

    def __init__(self, state: State, url: str) -> None:
        self._path = state.directory / "listeners.sock"
        super().__init__(
            "listeners",
            [sys.executable, "-m", "bench.harness.listeners", url, self._path],
            env=dict(os.environ),
            output=state.log("listeners"),
            keep_open=[state.lock],
        )

    def start(self) -> None:
        """Start it, and return once it takes commands."""
        self._path.unlink(missing_ok=True)  # of another one before
        super().start()
        self.wait_until(self._path.exists)

    def open(self, tokens: Sequence[str], *, per_second: float = 1_000.0) -> float:
        """Open a stream with each of these tokens; return the seconds until all were open."""
        began = time.monotonic()
        self._ask({"open": list(tokens), "per_second": per_second})
        self.wait_open(len(tokens))
        return time.monotonic() - began

    def wait_open(self, number: int) -> None:
        """Wait until so many streams are open. Raises ``StackError`` after ``PATIENCE``."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._ask({"count": True})["open"]) < number:
            if time.monotonic() > deadline:
                raise StackError(f"{found} of {number} streams are open after {PATIENCE:.0f} s")
            time.sleep(0.1)

    def report(self) -> Report:
        """Return what has come since the last report."""
        return Report(**self._ask({"report": True}))

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as asking, asking.makefile("rwb") as lines:
            asking.connect(str(self._path))
            lines.write(json.dumps(command).encode() + b"\n")
            lines.flush()
            found: dict[str, Any] = json.loads(lines.readline())
        return found


def _raise_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    _raise_descriptors()
    uvloop.install()
    asyncio.run(_serve(*sys.argv[1:3]))
