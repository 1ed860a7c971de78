"""The memory of a process of the API is bounded, at a cost that its connections do not multiply."""

import logging
import selectors
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from gunicorn.config import Config

from notifier.web import worker as module
from notifier.web.connection import Connection
from notifier.web.worker import Worker

HEAD = b"POST /v1/notifications HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n"


class Counting(Worker):
    """Counts how often the bytes of all connections are added up."""

    added_up = 0

    def _bound(self, most, size) -> None:
        self.added_up += 1
        super()._bound(most, size)


@pytest.fixture
def worker() -> Iterator[Counting]:
    found = Counting(0, 0, [], None, 30, Config(), logging.getLogger(__name__))
    found.poller = selectors.DefaultSelector()
    yield found
    for conn in list(found._waiting):
        found._close(conn)
    found.poller.close()
    found.tmp.close()


def connected(worker: Worker) -> tuple[socket.socket, Connection]:
    """Return a client, and the worker's connection to it."""
    client, served = socket.socketpair()
    conn = Connection(worker.cfg, served, ("127.0.0.1", 1), ("127.0.0.1", 2), worker.most_body)
    worker.nr_conns += 1
    worker._wait(conn, selectors.EVENT_READ, worker._readable)
    return client, conn


def send(worker: Worker, client: socket.socket, conn: Connection, data: bytes) -> None:
    client.sendall(data)
    while not conn.closed:
        with suppress(BlockingIOError):
            if not conn.socket.recv(1, socket.MSG_PEEK):
                return
            worker._readable(conn, conn.socket)
            continue
        return


def test_bodies_that_come_a_byte_at_a_time_are_not_added_up_for_each(worker):
    some = [connected(worker) for _ in range(20)]
    for client, conn in some:
        send(worker, client, conn, HEAD)
    for client, conn in some * 100:
        send(worker, client, conn, b" ")
    assert worker.added_up == 0
    assert not any(conn.closed for _, conn in some)


def test_the_oldest_is_closed_once_incomplete_requests_hold_too_much(worker, monkeypatch):
    monkeypatch.setattr(module, "MOST_HELD", 1_500_000)
    monkeypatch.setattr(module, "UNCOUNTED", 100_000)
    some = [connected(worker) for _ in range(4)]
    for client, conn in some:
        send(worker, client, conn, HEAD)
        for _ in range(8):
            send(worker, client, conn, b" " * 60_000)
    assert [conn.closed for _, conn in some] == [True, False, False, False]


def test_who_comes_beyond_the_most_takes_the_place_of_who_is_read_from(worker):
    worker.worker_connections = 3
    _, answered = connected(worker)
    answered.reading = False  # its answer is being sent
    _, reading = connected(worker)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()):
            worker.accept(listener)
    assert (answered.closed, reading.closed) == (False, True)


class TimedOut(socket.socket):
    """A connection whose other end has not acknowledged anything for minutes."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        raise TimeoutError(110, "Connection timed out")


def test_a_connection_that_times_out_while_it_lingers_is_closed(worker):
    _, conn = connected(worker)
    worker._discard(conn, TimedOut())
    assert conn.closed
