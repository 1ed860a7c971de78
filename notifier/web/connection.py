"""One client's connection: its request, its unsent answer, its deadline."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Any

from gunicorn import http, util
from gunicorn.workers.gthread import TConn

from notifier.web.framing import HEAD_END, MOST_HEAD, Framing

#: Seconds for a request's head, for its body, and for sending an answer. The last two get a second
#: more per so many bytes transferred (as with MinRate of Apache's ``mod_reqtimeout``).
SECONDS, BYTES_A_SECOND = 20.0, 1_000
#: Seconds that a closed connection lingers.
LINGER_SECONDS = 2.0
#: Bytes of a request in memory; the rest goes to a temporary file.
IN_MEMORY = 256 * 1024
#: Bytes of a request that are accepted per byte of its largest body: small chunks have long frames.
MOST_FRAMES = 8
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Source:
    """The parser's input in place of the socket: a request that has arrived."""

    def __init__(self) -> None:
        self._head = b""
        self._body: Any = None

    def hold(self, head: bytes, body: Any) -> None:
        """Set the next request: its first bytes, and a file with the others or ``None``."""
        self._head, self._body = head, body

    def recv(self, size: int) -> bytes:
        """Return a part of the request; no bytes at its end."""
        head, self._head = self._head, b""
        if head:
            return head
        return self._body.read(size) if self._body is not None else b""


class Reply:
    """The output of an answer in place of the socket, which never waits for a slow reader.

    Bytes that the socket does not take at once are kept; the worker's loop sends them.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._unsent = bytearray()

    @property
    def unsent(self) -> int:
        """The number of bytes that are not sent yet."""
        return len(self._unsent)

    def sendall(self, data: bytes) -> None:
        """Send what the socket takes, and keep the rest."""
        sent = 0 if self._unsent else self._sent(data)
        if sent < len(data):
            self._unsent += data[sent:]

    def flush(self) -> int:
        """Send more of the kept bytes. Returns how many."""
        sent = self._sent(self._unsent)
        del self._unsent[:sent]
        return sent

    def _sent(self, data: bytes | bytearray) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def send(self, data: bytes) -> int:
        """Ignore Gunicorn's 100 Continue, which was sent before the body was read."""
        return len(data)

    def fileno(self) -> int:
        return self._sock.fileno()

    def gettimeout(self) -> float:
        return 0.0

    def setblocking(self, flag: bool) -> None:
        """Do nothing: the socket never blocks."""

    settimeout = setblocking

    def shutdown(self, how: int) -> None:
        """Do nothing: the worker's loop closes the connection once everything is sent."""

    def recv(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        """Do nothing, as with ``shutdown``."""


class Connection(TConn):  # type: ignore[misc]
    """A client, and its request that is being read or was answered.

    ``idle``: it is between two requests. ``reading``: a request is awaited, or has arrived in part.
    ``answering``: a thread has its request. ``leaves``: it is closed after that one, so that the
    client connects to another process. ``keep``: whether the connection stays open after the answer
    is sent. ``registered``: the worker's poller has it. ``deadline``: when it is closed (monotonic
    seconds).
    """

    def __init__(
        self,
        cfg: Any,
        sock: socket.socket,
        client: Any,
        server: Any,
        most_body: Callable[[str], int],
    ) -> None:
        super().__init__(cfg, sock, client, server)  # the socket does not block from here on
        self._most_body = most_body
        self.socket, self.sock = sock, Reply(sock)
        self._source = Source()
        self.parser = http.get_parser(cfg, self._source, client)
        self.initialized = self.data_ready = True
        self.idle = self.keep = self.closed = self.answering = self.leaves = False
        self.registered = False
        self.rest = b""  # bytes after the request
        self.begin()

    def begin(self) -> None:
        """Begin to wait for a request."""
        self._head: bytes = b""
        self._body: Any = None
        self._framing: Framing | None = None
        self.reading = True
        self.held = 0
        self.started = time.monotonic()
        self.deadline = self.started + SECONDS

    @property
    def silent(self) -> bool:
        """True if no byte of a request has arrived."""
        return not self._head

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; none mean the end. Returns whether a thread can have the request."""
        if not data:
            return not self.silent and self._ready()
        if self._framing is None:
            before = len(self._head)
            self._head = data if not before else self._head + data
            end = self._head.find(HEAD_END, max(0, before - len(HEAD_END)))
            if end < 0:
                return len(self._head) > MOST_HEAD and self._ready()
            end += len(HEAD_END)
            self._framing = framing = Framing(self._head[:end])
            taken = end + framing.take(self._head[end:])
            if framing.whole:
                self._head, self.rest = self._head[:taken], self._head[taken:]
                return self._ready()
            if framing.expects and taken == end:
                with suppress(OSError):
                    self.socket.send(_CONTINUE)
            self._most = self._most_body(framing.target)
            self._body = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (release closes it)
            self.held = taken
        else:
            framing = self._framing
            taken = framing.take(data)
            self._body.write(data[:taken])
            self.rest = data[taken:]
            self.held += taken
        self.moved(self.held)
        # A body over the limit is refused without its end.
        enough = framing.size > self._most or self.held > MOST_HEAD + MOST_FRAMES * self._most
        return (framing.whole or enough) and self._ready()

    def _ready(self) -> bool:
        if self._body is not None:
            self._body.seek(0)
        self._source.hold(self._head, self._body)
        return True

    def moved(self, number: int) -> None:
        """Move the deadline: ``number`` bytes were transferred since the request began."""
        self.deadline = self.started + SECONDS + number / BYTES_A_SECOND

    def drain(self, keep: bool) -> None:
        """Begin to send what is left of the answer; ``keep``: keep the connection open after it."""
        self.begin()
        self.reading, self.keep, self._drained = False, keep, 0

    def flush(self) -> None:
        """Send more of the answer."""
        self._drained += self.sock.flush()
        self.moved(self._drained)

    def linger(self) -> None:
        """Close our side, and wait for the client to close its own.

        Closing at once could lose the end of the answer, where the client is still sending (RFC
        9112, section 9.6).
        """
        self.socket.shutdown(socket.SHUT_WR)
        self.reading, self.deadline = False, time.monotonic() + LINGER_SECONDS

    def release(self) -> None:
        """Release the memory and the file of the last request."""
        self._source.hold(b"", None)
        if self._body is not None:
            self._body.close()
            self._body = None
        self.held = 0

    def close(self, graceful: bool = False) -> None:
        """Close the socket. ``graceful`` is ignored: the worker's loop lingers before this."""
        self.closed = True
        self.release()
        util.close(self.socket)
