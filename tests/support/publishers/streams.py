"""The stream of inboxes in a thread of the test's process, and a client that reads its events."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR
from typing import Any
from urllib.parse import urlencode

import uvicorn

from apps.inbox.stream.application import PATH, Stream
from config.web.stream import Protocol, Server
from stack.supervision.process import PATIENCE
from tests.support.waiting import until


@dataclass
class Event:
    """An event of the stream; ``id`` is empty where it has none."""

    name: str
    data: Any
    id: str = ""


@dataclass
class Reader:
    """An open stream. ``events`` are all that came but heartbeats; ``last_id`` is as a browser's.

    It reads in a thread of its own.
    """

    response: http.client.HTTPResponse
    socket: socket.socket
    events: list[Event] = field(default_factory=list)
    last_id: str = ""
    retry: int | None = None
    comments: int = 0
    ended: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def named(self, name: str) -> list[Any]:
        """The data of the events of this name."""
        return [event.data for event in list(self.events) if event.name == name]

    def wait_for(self, name: str, count: int = 1) -> list[Any]:
        """Wait until that many events of a name are there, and return their data."""
        until(lambda: len(self.named(name)) >= count or self.ended)
        found = self.named(name)
        assert len(found) >= count, f"the stream ended: {self.events[-3:]}"
        return found

    def titles(self) -> list[str]:
        """The titles of the items that were told, in their order."""
        return [item["title"] for item in self.named("item")]

    def close(self) -> None:
        """Leave, as a page that is closed."""
        with suppress(OSError):  # the server may have closed it
            self.socket.shutdown(SHUT_RDWR)
        self._thread.join(PATIENCE)
        self.response.close()

    def _read(self) -> None:
        name, data, identity = "message", "", ""
        try:
            for raw in self.response:
                line = raw.decode().removesuffix("\n")
                key, _, value = line.partition(": ")
                if not line:
                    if data:
                        self.last_id = identity or self.last_id
                        self.events.append(Event(name, json.loads(data), identity))
                    name, data, identity = "message", "", ""
                elif line.startswith(":"):
                    self.comments += 1
                elif key == "event":
                    name = value
                elif key == "data":
                    data = value
                elif key == "id":
                    identity = value
                elif key == "retry":
                    self.retry = int(value)
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.ended = True


class StreamServer:
    """A running stream: ``open`` connects to it, ``ask`` makes any other request."""

    def __init__(self) -> None:
        self.app = Stream()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self.socket.getsockname()[1]
        self._readers: list[Reader] = []
        config = uvicorn.Config(
            self.app, http=Protocol, ws="none", lifespan="on", access_log=False, log_config=None
        )
        self._server = Server(config, self.app)
        # In a thread there are no signals, and uvicorn does not ask for any.
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[self.socket])), daemon=True
        )

    def start(self) -> None:
        """Start it, and wait until it hears the bell."""
        self._thread.start()
        until(lambda: self._server.started and self.app.hub._hears_bell)

    def stop(self) -> None:
        """Stop it as SIGTERM does."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        for reader in self._readers:
            reader.close()

    def open(
        self,
        token: str | None,
        *,
        since: str | None = None,
        last_event_id: str | None = None,
        ticket: str | None = None,
        origin: str | None = None,
    ) -> Reader:
        """Open a stream; wait for its first event."""
        headers = {"Authorization": f"Bearer {token}" if token else None}
        headers |= {"Last-Event-ID": last_event_id, "Origin": origin}
        response, _ = self._request("GET", {"since": since, "ticket": ticket}, headers, PATH)
        assert response.status == 200, response.read()
        reader = Reader(response, self._socket)
        self._readers.append(reader)
        reader.wait_for("ready")
        return reader

    def ask(
        self,
        path: str = PATH,
        method: str = "GET",
        query: Mapping[str, str | None] | None = None,
        **headers: str | None,
    ) -> tuple[int, dict[str, str], Any]:
        """Return status, headers in small letters, and the parsed body of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response, connection = self._request(method, query or {}, named, path)
        body = response.read()
        connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, found, json.loads(body) if body else None

    def _request(
        self,
        method: str,
        query: Mapping[str, str | None],
        headers: Mapping[str, str | None],
        path: str,
    ) -> tuple[http.client.HTTPResponse, http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        given = urlencode({name: value for name, value in query.items() if value is not None})
        connection.connect()
        self._socket = connection.sock  # the answer takes it from the connection
        connection.request(
            method,
            f"{path}?{given}" if given else path,
            headers={name: value for name, value in headers.items() if value is not None},
        )
        return connection.getresponse(), connection


@contextmanager
def streaming() -> Iterator[StreamServer]:
    """Run the stream."""
    server = StreamServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
