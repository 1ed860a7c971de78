"""Hosts that are network namespaces, and the smallest lab on them."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scale import hosts, lab
from scale.hosts import network
from scale.limit import ROOT as CGROUPS
from scale.measure import Size, measure
from stack import debian
from stack.supervision.process import ROOT
from tests.support.programs import need

BUSY = """
import time
end = time.time() + 2
while time.time() < end:
    pass
print(time.process_time())
"""
SERVE = """
import socket, sys
server = socket.create_server((sys.argv[1], 7000))
print("listens", flush=True)
server.accept()[0].sendall(b"hello")
"""
FETCH = """
import socket, sys
print(socket.create_connection((sys.argv[1], 7000), 10).recv(5).decode())
"""
#: A lab that says that it is there and then waits to be killed.
LAB = """
from scale.hosts import network
with network(["a", "b"]):
    print("there", flush=True)
    input()
"""


@pytest.fixture(autouse=True, scope="module")
def namespaces_can_be_made():
    """Checked without our own code: a mistake in it would skip these tests."""
    need(debian.IPROUTE)
    name = f"probe{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        pytest.skip("network namespaces cannot be made here: run the tests as root on Linux")
    subprocess.run(["ip", "netns", "del", name], check=True)


def left(pid: int) -> list[str]:
    """List what is left of a lab."""
    places = [hosts.NAMESPACES, hosts.LINKS, CGROUPS, CGROUPS / "cpu"]
    names = [path.name for place in places if place.exists() for path in place.iterdir()]
    return [name for name in names if name.startswith(f"{hosts.PREFIX}{pid}-")]


def test_a_host_reaches_another_and_is_reached_from_here():
    with network(["a", "b"]) as found:
        a, b = (found.hosts[name].place for name in "ab")
        for fetch in ([*a.enter, sys.executable], [sys.executable]):
            serve = [*b.enter, sys.executable, "-c", SERVE, b.address]
            with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
                assert server.stdout.readline() == "listens\n"
                said = subprocess.check_output([*fetch, "-c", FETCH, b.address], text=True)
                assert said == "hello\n"


def test_a_host_gets_its_share_of_cpu_and_no_more():
    with network(["a", "b"]) as found:
        host = found.hosts["a"]
        host.limit.set(0.2)
        command = [*host.place.enter, sys.executable, "-c", BUSY]
        # 0.4 of two seconds, and what it may have begun before the first period ended.
        assert float(subprocess.check_output(command)) < 0.7


def test_nothing_is_left_of_a_lab_that_ended_or_failed():
    with network(["a", "b"]):
        assert left(os.getpid())
    assert left(os.getpid()) == []
    with contextlib.suppress(KeyboardInterrupt), network(["a", "b"]):
        raise KeyboardInterrupt
    assert left(os.getpid()) == []


def test_what_a_killed_lab_left_is_removed_by_the_next_one():
    command = [sys.executable, "-c", LAB]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
    assert left(process.pid)
    with network(["a", "b"]):
        assert left(process.pid) == []


def test_the_smallest_lab_sends_and_counts_what_it_costs(monkeypatch, capsys):
    monkeypatch.setattr(lab, "CORES", 1.0)  # what is tested is not how it scales
    with lab.running(1) as on:
        # A process's CPU is known to hundredths of a second: enough work for several of them.
        (step,) = measure(on, Size(hosts=(1,), runs=1, blast=2_000, batched=500, seconds=1))
        assert set(on.pids(on.senders[0])) == {"fanout.sender1", "push.sender1"}
    for (work,) in (step.blasts, step.batched, step.posted):
        assert work.rate > 0 and work.cores > 0
        assert work.cpu["postgres"] > 0 and work.cpu["push"] > 0
        assert work.used.transactions > 0 and work.used.wal_bytes > 100
        assert work.used.redis_commands > 0 and work.used.messages > 0
    assert "1 sending: blast" in capsys.readouterr().out
    assert left(os.getpid()) == []
    assert not Path(on.service.state.directory).exists()
