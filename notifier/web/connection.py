"""One client's connection: what it sent, what it has yet to take, and how long it may need."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Any

from gunicorn import http, util
from gunicorn.workers.gthread import TConn

from notifier.web.framing import HEAD_END, MOST_HEAD, Framing

#: Seconds for a request's head, and for its body or for taking an answer; those two get a second
#: more for so many bytes that have moved (as Apache's ``mod_reqtimeout`` does with MinRate).
SECONDS, BYTES_A_SECOND = 20.0, 1_000
#: Seconds that a closed connection lingers.
LINGER_SECONDS = 2.0
#: Bytes of a request in memory; more of it goes to a temporary file.
IN_MEMORY = 256 * 1024
#: Bytes of a request, for each byte of its body that is taken: small chunks have long frames.
MOST_FRAMES = 8
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Source:
    """What the parser reads in place of the socket: a request that is there."""

    def __init__(self) -> None:
        self._head = b""
        self._body: Any = None

    def hold(self, head: bytes, body: Any) -> None:
        """Give it the next request: its first bytes, and a file with the others or ``None``."""
        self._head, self._body = head, body

    def recv(self, size: int) -> bytes:
        """Some of the request; no bytes at its end."""
        head, self._head = self._head, b""
        if head:
            return head
        return self._body.read(size) if self._body is not None else b""


class Reply:
    """What an answer is written to in place of the socket: nobody waits for a slow reader.

    What the socket does not take at once is kept; the worker's loop sends it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._unsent = bytearray()

    @property
    def unsent(self) -> int:
        """Bytes that the client has yet to take."""
        return len(self._unsent)

    def sendall(self, data: bytes) -> None:
        """Send what can be sent, and keep the rest."""
        sent = 0 if self._unsent else self._sent(data)
        if sent < len(data):
            self._unsent += data[sent:]

    def flush(self) -> int:
        """Send more of what was kept. Returns how many bytes."""
        sent = self._sent(self._unsent)
        del self._unsent[:sent]
        return sent

    def _sent(self, data: bytes | bytearray) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def send(self, data: bytes) -> int:
        """Gunicorn's 100 Continue, which was sent when the body was waited for."""
        return len(data)

    def fileno(self) -> int:
        return self._sock.fileno()

    def gettimeout(self) -> float:
        return 0.0

    def setblocking(self, flag: bool) -> None:
        """The socket never blocks."""

    settimeout = setblocking

    def shutdown(self, how: int) -> None:
        """The worker's loop closes the connection, once everything is sent."""

    def recv(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        self._sock.close()


class Connection(TConn):  # type: ignore[misc]
    """A client, and its request that is being read or was answered.

    ``idle``: between two requests. ``reading``: one is waited for, or has come in part. ``keep``:
    another may follow what is being drained. ``deadline``: when it is given up.
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
        self.idle = self.keep = self.closed = False
        self.rest = b""  # what came behind the request
        self.begin()

    def begin(self) -> None:
        """Wait for a request."""
        self._head: bytes = b""
        self._body: Any = None
        self._framing: Framing | None = None
        self.reading = True
        self.held = 0
        self.started = time.monotonic()
        self.deadline = self.started + SECONDS

    @property
    def silent(self) -> bool:
        """Whether nothing of a request has come."""
        return not self._head

    def feed(self, data: bytes) -> bool:
        """Take what came next; no bytes are the end of it. Whether a thread can have it now."""
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
        # What is more than is taken, is not needed to its end to be refused.
        enough = framing.size > self._most or self.held > MOST_HEAD + MOST_FRAMES * self._most
        return (framing.whole or enough) and self._ready()

    def _ready(self) -> bool:
        if self._body is not None:
            self._body.seek(0)
        self._source.hold(self._head, self._body)
        return True

    def moved(self, number: int) -> None:
        """Move the deadline: so many bytes came, or went, since it was begun."""
        self.deadline = self.started + SECONDS + number / BYTES_A_SECOND

    def drain(self, keep: bool) -> None:
        """Wait for the client to take what is left of the answer."""
        self.begin()
        self.reading, self.keep, self._drained = False, keep, 0

    def flush(self) -> None:
        """Send more of the answer."""
        self._drained += self.sock.flush()
        self.moved(self._drained)

    def linger(self) -> None:
        """Close our side, and wait for the client to close its own: what it still sends would have
        the kernel take back the end of the answer (RFC 9112, section 9.6)."""
        self.socket.shutdown(socket.SHUT_WR)
        self.reading, self.deadline = False, time.monotonic() + LINGER_SECONDS

    def release(self) -> None:
        """Give back what the last request took."""
        self._source.hold(b"", None)
        if self._body is not None:
            self._body.close()
            self._body = None
        self.held = 0

    def close(self, graceful: bool = False) -> None:
        """Close it. The worker's loop lingers, where that is graceful."""
        self.closed = True
        self.release()
        util.close(self.socket)
