"""Gunicorn as ``config/gunicorn.py`` sets it up, with the smallest of applications."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection

import pytest

from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT, Process

APPLICATION = """
import gc
import os
import time

def application(environ, start_response):
    asked = {
        "/": os.getpid,
        "/pid": lambda: time.sleep(0.01) or os.getpid(),
        "/kept": gc.get_freeze_count,
        "/v1/pid": lambda: "not of the script",
        "/slow": lambda: time.sleep(1),
    }[environ["PATH_INFO"]]
    answer = str(asked()).encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "smallest.py").write_text(APPLICATION)
    port = ports.free()
    return port, [
        *(sys.executable, "-m", "gunicorn", "smallest", "--pythonpath", str(tmp_path)),
        *("--config", str(ROOT / "config" / "gunicorn.py"), "--no-control-socket"),
        *("--workers", "2", "--bind", f"{ports.HOST}:{port}"),
    ]


@pytest.fixture
def server(command, tmp_path):
    port, arguments = command
    with Process("gunicorn", arguments, env=os.environ, output=tmp_path / "gunicorn.log") as server:
        server.wait_until(lambda: len(answered_by(port, 20)) == 2)
        yield server


def processes(connections):
    """Return the process that answers each of the connections, asked all at the same time."""
    for connection in connections:
        connection.request("GET", "/pid")
    answers = [connection.getresponse() for connection in connections]
    return [answer.read() for answer in answers]


def answered_by(port, connections):
    """Count, of connections all open at the same time, those that each process answers."""
    opened = [HTTPConnection(ports.HOST, port, timeout=PATIENCE) for _ in range(connections)]
    try:
        for connection in opened:
            connection.request("GET", "/")
        return Counter(connection.getresponse().read() for connection in opened)
    except ConnectionError:
        return Counter()
    finally:
        for connection in opened:
            connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections")
def test_connections_of_one_client_are_spread_over_the_processes(server, command):
    port, _ = command
    for _ in range(5):
        counts = answered_by(port, 60)
        assert len(counts) == 2
        # Fewer than 12 of 60 happens by chance in one of 250,000 such tests.
        assert min(counts.values()) >= 12


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections")
def test_busy_connections_that_one_process_has_all_of_are_soon_spread_evenly(server, command):
    port, _ = command
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(closing(HTTPConnection(ports.HOST, port, timeout=PATIENCE)))
            for _ in range(60)
        ]
        ours = processes(opened)
        crowded = [conn for conn, process in zip(opened, ours, strict=True) if process == ours[0]][
            :12
        ]
        deadline = time.monotonic() + PATIENCE
        while min(counts := Counter(processes(crowded)).values()) < 5 or len(counts) < 2:
            assert time.monotonic() < deadline, counts


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections")
def test_a_connection_with_a_request_now_and_then_stays_where_it_is(server, command):
    port, _ = command
    time.sleep(2.5)  # the processes forget the many connections at their start
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(closing(HTTPConnection(ports.HOST, port, timeout=PATIENCE)))
            for _ in range(20)
        ]
        ours = [processes([conn])[0] for conn in opened]
        crowded = [conn for conn, process in zip(opened, ours, strict=True) if process == ours[0]][
            :4
        ]
        for _ in range(8):
            for conn in crowded:  # one after the other: none waits for another
                assert processes([conn]) == ours[:1]
                time.sleep(0.1)


def test_what_was_there_before_the_first_request_is_no_garbage_to_look_for(server, command):
    port, _ = command
    connection = HTTPConnection(ports.HOST, port, timeout=PATIENCE)
    connection.request("GET", "/kept")
    assert int(connection.getresponse().read()) > 1_000
    connection.close()


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "Script-Name"])
def test_no_header_moves_a_path(server, command, name):
    port, _ = command
    connection = HTTPConnection(ports.HOST, port, timeout=PATIENCE)
    connection.request("GET", "/v1/pid", headers={name: "/v1"})
    assert connection.getresponse().read() == b"not of the script"
    connection.close()


def test_the_log_names_the_address(server, command, tmp_path):
    port, _ = command
    assert f"Each process listens at http://{ports.HOST}:{port}" in server.output.read_text()


def test_a_second_server_at_the_same_port_is_refused_and_gets_no_request(server, command):
    port, arguments = command
    before = set(answered_by(port, 20))
    second = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 1
    assert f"Connection in use: ('{ports.HOST}', {port})" in second.stderr
    assert set(answered_by(port, 20)) == before


def test_what_is_being_answered_when_it_is_told_to_stop_is_answered(server, command):
    port, _ = command
    connection = HTTPConnection(ports.HOST, port, timeout=20)
    connection.request("GET", "/slow")
    time.sleep(0.3)
    server.kill(signal.SIGTERM)
    answer = connection.getresponse()
    assert answer.status == 200
    connection.close()
    assert server.wait(20) == 0


def test_with_as_many_silent_connections_as_there_may_be_others_are_still_answered(
    command, tmp_path
):
    port, arguments = command
    arguments += ["--workers", "1", "--worker-connections", "20"]
    with (
        contextlib.ExitStack() as silent,
        Process("gunicorn", arguments, env=os.environ, output=tmp_path / "few.log") as server,
    ):
        server.wait_until(lambda: answered_by(port, 1), 30)
        for _ in range(60):
            silent.enter_context(socket.create_connection((ports.HOST, port), timeout=10))
        begun = time.monotonic()
        assert sum(answered_by(port, 5).values()) == 5
        assert time.monotonic() - begun < 5, "nobody waits until they are given up"


def test_the_bare_view_of_the_benchmarks_is_served(tmp_path):
    port = ports.free()
    command = [
        *(sys.executable, "-m", "gunicorn", "bench.baselines.bare", "--no-control-socket"),
        *("--config", str(ROOT / "bench" / "baselines" / "gunicorn.py")),
        *("--bind", f"{ports.HOST}:{port}"),
    ]
    with Process("bare", command, env=os.environ, output=tmp_path / "bare.log") as server:
        server.wait_until(lambda: ports.listens(port))
        with closing(HTTPConnection(ports.HOST, port, timeout=PATIENCE)) as connection:
            connection.request("GET", "/nothing")
            assert connection.getresponse().status == 404
