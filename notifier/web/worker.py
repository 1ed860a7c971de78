"""Gunicorn's threaded worker, with a loop that reads requests and sends the rest of answers."""

import errno
import selectors
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from notifier.web.balance import Balance
from notifier.web.connection import Connection

#: Most bytes that one iteration of the loop reads from a connection.
READ = 64 * 1024
#: Most bytes of incomplete requests, and of unsent answers, that a process holds; above, the oldest
#: connection is closed.
MOST_HELD, MOST_UNSENT = 512 * 1024 * 1024, 64 * 1024 * 1024
#: Bytes that have to come, or to be left unsent, before they are added up again: adding up asks
#: every connection, and a body may come a byte at a time.
UNCOUNTED = 4 * 1024 * 1024
#: Most bytes of a body by default.
MOST_BODY = 1024 * 1024
#: Seconds between two checks for connections past their deadline, and for too many of them.
EVERY = 1.0

Event = Callable[[Connection, socket.socket], None]

#: Shared by the processes, which are forked from the one that imports this.
_balance = Balance()


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker whose threads get complete requests, and are free once the answer is made.

    A connection that is idle between requests is in ``keepalived_conns``, as in Gunicorn; one that
    is being read, is sending or lingers is in ``_waiting``, the oldest first. ``most_body``:
    returns the most bytes of a body at a target. ``_busy`` are the connections with a request since
    the last check, and ``_together`` is how many requests there were at once; ``_leaving``: so many
    connections are still to be closed, since other processes have fewer.

    A connection stays in the poller while a thread answers, and the thread itself makes it idle
    again where nothing is left to do: waking the loop for that took a tenth of a request's time.
    ``_hand_over`` is held while a connection passes from the loop to a thread, and back.
    """

    most_body: Callable[[str], int] = staticmethod(lambda target: MOST_BODY)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiting: dict[Connection, None] = {}
        self._looks_at = 0.0
        self._stops_at = 0.0
        self._busy: set[Connection] = set()
        self._answering = self._together = self._leaving = 0
        self._more_held = self._more_unsent = 0  # bytes since each was added up
        self._hand_over = threading.Lock()

    # -- Reading ------------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; close another where there are too many.

        It is the one that we have read from longest, rather than one that an answer is sent to: the
        answer may say what was stored.
        """
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname(), self.most_body)
        if self.nr_conns >= self.worker_connections and self._waiting:
            reading = (one for one in self._waiting if one.reading)
            self._close(next(reading, next(iter(self._waiting))))
        self._wait(conn, selectors.EVENT_READ, self._readable)

    def _readable(self, conn: Connection, sock: socket.socket) -> None:
        if conn.closed:
            return
        with self._hand_over:
            if conn.answering:  # the client sends its next request already, or has gone
                self._unregister(conn)
                return
        if conn.idle:
            conn.idle = False
            self.keepalived_conns.remove(conn)
            self._waiting[conn] = None
            conn.begin()
        try:
            data = sock.recv(READ)
            ready = conn.feed(data)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # including no space for a temporary file
            self._close(conn)
            return
        if ready:
            del self._waiting[conn]
            self.enqueue_req(conn)
        elif not data:
            self._close(conn)
        elif conn.held:
            self._more_held += len(data)
            if self._more_held >= UNCOUNTED:
                self._more_held = 0
                self._bound(MOST_HELD, lambda one: one.held)

    def enqueue_req(self, conn: Connection) -> None:
        """Give a request to a thread; it may be the last one of its connection."""
        self._busy.add(conn)
        conn.leaves = self._leaving > 0
        self._leaving -= conn.leaves
        with self._hand_over:
            conn.answering = True
            self._answering += 1
            self._together = max(self._together, self._answering)
        self.tpool.submit(self._answer, conn)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Answer a request, with ``Connection: close`` where the client is to connect anew."""
        req.must_close = req.must_close or conn.leaves
        return bool(super().handle_request(req, conn))

    # -- Writing ------------------------------------------------------------------------------

    def _answer(self, conn: Connection) -> None:
        """Answer a request in a thread, and give the connection back."""
        keep = False
        try:
            keep = self.handle(conn)
            conn.release()
        finally:
            self._give_back(conn, keep)

    def _give_back(self, conn: Connection, keep: bool) -> None:
        """Make a connection idle, or have the loop do what is left for it."""
        with self._hand_over:
            self._answering -= 1
            done = conn.registered and not conn.sock.unsent and not conn.rest
            if keep and done and self.alive:
                conn.answering = False
                self._keep(conn)
                return
        self.method_queue.defer(self.finish_request, conn, keep)

    def finish_request(self, conn: Connection, keep: bool) -> None:
        """Continue with a connection whose request a thread has answered."""
        conn.answering = False
        if conn.sock.unsent:
            conn.drain(keep)
            self._wait(conn, selectors.EVENT_WRITE, self._writable)
            self._more_unsent += conn.sock.unsent
            if self._more_unsent >= UNCOUNTED:
                self._more_unsent = 0
                self._bound(MOST_UNSENT, lambda one: one.sock.unsent)
        else:
            self._answered(conn, keep)

    def _keep(self, conn: Connection) -> None:
        """Keep a connection open between two requests."""
        conn.idle = True
        conn.set_timeout()
        self.keepalived_conns.append(conn)

    def _writable(self, conn: Connection, sock: socket.socket) -> None:
        if conn.closed:
            return
        try:
            conn.flush()
        except OSError:
            self._close(conn)
            return
        if not conn.sock.unsent:
            self._unregister(conn)
            self._answered(conn, conn.keep)

    def _answered(self, conn: Connection, keep: bool) -> None:
        if not keep:
            self._busy.discard(conn)
            self._linger(conn)
            return
        rest, conn.rest = conn.rest, b""
        self._register(conn, selectors.EVENT_READ, self._readable)
        if not rest:
            self._keep(conn)
            if not self.alive:
                conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
            return
        conn.begin()
        if conn.feed(rest):
            self.enqueue_req(conn)
        else:
            self._waiting[conn] = None

    def _linger(self, conn: Connection) -> None:
        try:
            conn.linger()
        except OSError:
            self._close(conn)
        else:
            self._wait(conn, selectors.EVENT_READ, self._discard)

    def _discard(self, conn: Connection, sock: socket.socket) -> None:
        if conn.closed:
            return
        try:
            more = sock.recv(READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # such as a time-out of TCP
            more = b""
        if not more:
            self._close(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        with self._hand_over:  # no thread adds a connection meanwhile
            super()._cap_keepalive(deadline)

    # -- Giving up ----------------------------------------------------------------------------

    def murder_pending(self) -> None:
        """Close connections past their deadline; Gunicorn's loop calls this in each iteration."""
        now = time.monotonic()
        if not self.alive and not self._stops_at:
            self._stops_at = now + STOP_KEEPALIVE_LINGER
        if now < self._looks_at:
            return
        self._looks_at = now + EVERY
        for conn in [
            conn
            for conn in self._waiting
            if now > conn.deadline or (self._stops_at and now > self._stops_at and conn.reading)
        ]:
            if conn.reading and not conn.silent and not conn.sock.unsent:
                util.write_error(conn.sock, 408, "Request Timeout", "it did not come in time")
            self._close(conn)
        self._rebalance(now)

    def _rebalance(self, now: float) -> None:
        """Have connections leave where other processes have fewer and requests meet in this one."""
        surplus = _balance.surplus(self.age, len(self._busy), now)
        self._leaving = surplus if self._together > 1 else 0
        self._busy = {conn for conn in self._busy if conn.answering}
        self._together = self._answering

    def _bound(self, most: int, size: Callable[[Connection], int]) -> None:
        """Close the oldest connections until the waiting ones hold at most ``most`` bytes."""
        total = sum(map(size, self._waiting))
        for conn in list(self._waiting):
            if total <= most:
                return
            total -= size(conn)
            if size(conn):
                self._close(conn)

    def _close(self, conn: Connection) -> None:
        self._unregister(conn)
        self.nr_conns -= 1
        conn.close()

    def _wait(self, conn: Connection, events: int, act: Event) -> None:
        self._waiting[conn] = None
        self._register(conn, events, act)

    def _register(self, conn: Connection, events: int, act: Event) -> None:
        change = self.poller.modify if conn.registered else self.poller.register
        change(conn.socket, events, partial(act, conn))
        conn.registered = True

    def _unregister(self, conn: Connection) -> None:
        self._waiting.pop(conn, None)
        if conn.registered:
            self.poller.unregister(conn.socket)
            conn.registered = False
