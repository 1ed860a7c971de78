"""Clients that are silent, slow to send or slow to read, on the server that the Procfile starts."""

import contextlib
import signal
import socket
import statistics
import struct
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from stack import manage, servers, whole_service
from stack.state_directory import kept
from stack.supervision.process import PATIENCE
from stack.whole_service import Stage
from tests.support.waiting import until

CLIENTS = 200
#: Seconds that others may wait longer than when nobody else is there.
LONGER = 0.1
POST = b"POST /v1/notifications HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
PAGE = b"GET /v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with kept(tmp_path_factory.mktemp("slow") / "state") as state:
        with servers.running(state) as found, whole_service.running(state, found, "web") as on:
            yield on


@pytest.fixture(scope="module")
def key(web: Stage) -> str:
    return manage.create_publisher(web.env, f"slow-{uuid4().hex}")


def place(web: Stage) -> tuple[str, int]:
    url = urlsplit(web.api_url)
    assert url.hostname and url.port
    return url.hostname, url.port


@contextlib.contextmanager
def clients(web: Stage, first: bytes, more: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open connections that send ``first``, and then ``more`` a byte at a time, ten a second."""
    opened = []
    over = threading.Event()

    def trickle() -> None:
        position = 0
        while more and not over.wait(0.1):
            for client in opened:
                with contextlib.suppress(OSError):
                    client.send(more[position % len(more) :][:1])
            position += 1

    thread = threading.Thread(target=trickle)
    try:
        for _ in range(CLIENTS):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.settimeout(PATIENCE)
            client.connect(place(web))
            client.sendall(first)
            opened.append(client)
        thread.start()
        yield opened
    finally:
        over.set()
        thread.join()
        for client in opened:
            client.close()


def waits(web: Stage, key: str, number: int = 40) -> list[float]:
    """Measure the seconds others wait for an answer, each on a connection of its own."""
    found = []
    for _ in range(number):
        begun = time.monotonic()
        connection = HTTPConnection(*place(web), timeout=PATIENCE)
        connection.request("GET", "/v1/topics", headers={"Authorization": f"Bearer {key}"})
        assert connection.getresponse().status == 200
        connection.close()
        found.append(time.monotonic() - begun)
    return found


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"", b""),
        (b"", b"GET /v1/topics?" + b"a" * 1_000),
        (POST + b"X-Long: ", b"a"),
        (POST + b"Content-Length: 100000\r\n\r\n{", b" "),
        (POST + b"Content-Length: 1000000\r\n\r\n" + b" " * 60_000, b" "),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (POST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", b""),
        (PAGE + b"\r\n", b""),
        (PAGE + b"Connection: close\r\n\r\n", b""),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", b""),
    ],
    ids=[
        *("silent", "trickles a first line", "trickles a header", "trickles a body"),
        *("sends a large part and trickles", "trickles chunks", "waits to continue"),
        *("reads nothing", "reads nothing and stays", "never closes"),
    ],
)
def test_hundreds_of_slow_clients_keep_nobody_waiting(
    web: Stage, key: str, first: bytes, more: bytes
) -> None:
    usual = waits(web, key)

    def as_usual() -> bool:
        """On a busy machine everybody waits now and then."""
        beside = waits(web, key)
        longer = statistics.median(beside) - statistics.median(usual)
        return longer < LONGER and sorted(beside)[-4] < sorted(usual)[-4] + LONGER

    with clients(web, first, more) as opened:
        for client in opened if first.startswith(PAGE) else ():
            client.recv(1)  # all of them are answered, as far as they read
        time.sleep(0.5)
        until(as_usual)


def answer_of(web: Stage, request: bytes, seconds: float) -> bytes:
    """All that comes back within so many seconds, until the server closes."""
    with socket.create_connection(place(web), timeout=seconds) as client:
        client.sendall(request)
        said = b""
        while part := client.recv(65536):
            said += part
        return said


def test_what_does_not_come_in_time_is_given_up_and_reported(web: Stage) -> None:
    begun = time.monotonic()
    said = answer_of(web, POST + b"Content-Length: 100\r\n\r\n{", PATIENCE)
    assert 15 < time.monotonic() - begun < 60
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"/problems/request-timeout"' in said


def test_a_slow_reader_gets_all_of_its_answer(web: Stage, key: str) -> None:
    whole = answer_of(web, PAGE + b"Connection: close\r\n\r\n", PATIENCE)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(place(web))
        client.sendall(PAGE + b"Connection: close\r\n\r\n")
        client.settimeout(PATIENCE)
        said = b""
        while part := client.recv(8192):
            said += part
            time.sleep(0.01 if len(said) < 100_000 else 0)
    assert len(said.partition(b"\r\n\r\n")[2]) == len(whole.partition(b"\r\n\r\n")[2]) > 100_000


def test_requests_behind_each_other_on_one_connection_are_answered_in_turn(web: Stage) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    said = answer_of(
        web, one + b"\r\n" + one + b"\r\n" + one + b"Connection: close\r\n\r\n", PATIENCE
    )
    assert said.count(b"HTTP/1.1 200 OK") == 3


def test_what_comes_while_a_request_is_answered_is_answered_next(web: Stage) -> None:
    with socket.create_connection(place(web), timeout=PATIENCE) as client:
        for _ in range(50):
            client.sendall(b"GET /healthz HTTP/1.1\r\n")
            client.sendall(b"Host: 127.0.0.1\r\n\r\nGET /healthz HTTP/1.1\r\n")
            client.sendall(b"Host: 127.0.0.1\r\n\r\n")
            said = b""
            while said.count(b"HTTP/1.1 200 OK") < 2 or not said.endswith(b"}"):
                part = client.recv(65536)
                assert part, said
                said += part


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"], ids=["staying", "closing"])
def test_clients_that_go_before_their_answer_comes_end_no_process(web: Stage, last: bytes) -> None:
    def pids() -> set[str]:
        master = web.processes["web"].pid
        return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())

    before = pids()
    for _ in range(300):
        with socket.create_connection(place(web), timeout=PATIENCE) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + last + b"\r\n")
    for _ in range(20):
        said = answer_of(
            web, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", PATIENCE
        )
        assert said.startswith(b"HTTP/1.1 ")
    assert pids() == before


def test_silent_clients_do_not_keep_the_server_from_stopping(web: Stage) -> None:
    with clients(web, b""), clients(web, POST + b"Content-Length: 100\r\n\r\n{"):
        begun = time.monotonic()
        web.processes["web"].kill(signal.SIGTERM)
        assert web.processes["web"].wait(PATIENCE) == 0
        assert time.monotonic() - begun < 20
