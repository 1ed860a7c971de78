"""Probes of processes without pages: what health checks and systemd's watchdog hear."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from apps.core.processes import progress
from apps.delivery.monitoring import probe
from stack.supervision import ports
from stack.supervision.process import ROOT
from stack.supervision.processes import Procfile, Worker
from tests.support.waiting import until

#: Seconds within which a process that runs answers.
SOON = 5


def ask(port: int, path: str) -> tuple[int, bytes]:
    """Return status and body of a page at this port."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=SOON)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def answers(port: int) -> bool:
    with suppress(OSError):
        return ask(port, "/healthz")[0] == 200
    return False


def bin_probe(port: int, *more: str) -> int:
    """Return the exit code of the image's health check."""
    command = [ROOT / "bin" / "probe", str(port), *more]
    return subprocess.run(command, env=os.environ, capture_output=True, check=False).returncode


@pytest.fixture(params=["sms_high", "housekeeping", "beat"])
def process(request, tmp_path, transactional_db) -> Iterator[tuple[Worker, int, socket.socket]]:
    """A process that answers probes, its port, and the socket at which systemd hears of it."""
    from django.db import connection

    hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    hears.bind(str(tmp_path / "notify"))
    hears.settimeout(SOON)
    port = ports.free()
    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    env = {
        **os.environ,
        "DATABASE_URL": f"{url}/{connection.settings_dict['NAME']}",
        "NOTIFIER_QUEUE_PREFIX": "notifier.probes",
        "NOTIFIER_PROBE_PORT": str(port),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "600000",
    }
    worker = Procfile(env, tmp_path).process(request.param, request.param)
    worker.start()
    yield worker, port, hears
    with suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGCONT)
    worker.stop()
    hears.close()


def test_a_process_that_works_says_so_and_one_that_hangs_does_not(process):
    worker, port, hears = process
    until(lambda: answers(port) or not worker.alive)
    assert worker.alive, worker.log
    assert ask(port, "/healthz") == (200, b'{"status": "ok"}')
    assert ask(port, "/metrics")[0] == 200
    assert ask(port, "/admin/")[0] == 404
    assert bin_probe(port) == 0
    assert hears.recv(100) == b"WATCHDOG=1"

    os.kill(worker.pid, signal.SIGSTOP)
    assert bin_probe(port) != 0
    hears.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            hears.recv(100)  # what it had said before
    hears.settimeout(2)
    with pytest.raises(TimeoutError):
        hears.recv(100)


@pytest.fixture
def page(settings, monkeypatch) -> int:
    """The probe of this process, for which 0.2 s without progress are too long."""
    monkeypatch.setattr(progress, "LONGEST", 0.2)
    monkeypatch.setattr(progress, "_turns", {})
    settings.PROBE_HOST, settings.PROBE_PORT = ports.HOST, ports.free()
    probe.start()
    return settings.PROBE_PORT


def test_a_thread_that_does_not_come_round_is_named(page):
    blocked = threading.Event()
    thread = threading.Thread(target=lambda: (progress.turn("recorder"), blocked.wait()))
    thread.start()
    until(lambda: ask(page, "/healthz")[0] == 503)
    body = json.loads(ask(page, "/healthz")[1])
    assert body["status"] == "stuck" and body["seconds"].keys() == {"recorder"}
    assert bin_probe(page) == 1
    blocked.set()
    thread.join()
    progress._turns.clear()
    assert bin_probe(page) == 0


def test_a_client_that_asks_nothing_keeps_nobody_from_asking(page):
    with socket.create_connection((ports.HOST, page)):
        assert ask(page, "/healthz")[0] == 200


def test_a_port_that_takes_connections_is_open_whatever_it_says():
    with socket.create_server((ports.HOST, 0)) as listening:
        port = listening.getsockname()[1]
        assert bin_probe(port, "--open") == 0
        assert bin_probe(port) != 0
    assert bin_probe(port, "--open") != 0


def test_a_worker_whose_broker_is_away_goes_on(tmp_path: Path, transactional_db, monkeypatch):
    """Its consumer has no turn then, so that no supervisor ends it for that."""
    port = ports.free()
    env = {
        **os.environ,
        "AMQP_URL": f"amqp://guest:guest@127.0.0.1:{ports.free()}//",
        "NOTIFIER_PROBE_PORT": str(port),
    }
    worker = Procfile(env, tmp_path).process("housekeeping", "housekeeping")
    with worker:
        until(lambda: "Cannot connect" in worker.log or not worker.alive)
        assert answers(port), worker.log
