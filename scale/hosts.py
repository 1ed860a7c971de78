"""Hosts on one machine: network namespaces joined by a bridge, each with its share of CPU.

Needs root on Linux. What was made is removed at the end of the block, also on Ctrl-C; what a lab
that was killed has left is removed by the next one.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path

from scale import limit
from scale.errors import Unavailable
from scale.limit import Limit
from stack import debian
from stack.supervision.place import Place

#: What all that we make is named after, with the pid of its maker: namespaces and control groups
#: ``nfy<pid>-<host>``, interfaces ``nfy<pid>-<number>`` (Linux takes 15 characters).
PREFIX = "nfy"
NAMESPACES, LINKS = Path("/run/netns"), Path("/sys/class/net")
#: Where a subnet for the hosts is found.
SUBNETS = IPv4Network("10.213.0.0/16")
#: Of a packet from one host to another, where the kernel has netem.
DELAY_MS = 0.5
#: Whether one host reaches another: nothing listens at the port, which is said at once.
REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 1), 2)
except ConnectionRefusedError:
    pass
"""


@dataclass(frozen=True, slots=True)
class Host:
    """``place`` is where its processes run, ``limit`` what CPU they get together."""

    name: str
    place: Place
    limit: Limit


@dataclass(frozen=True, slots=True)
class Network:
    """Hosts by name. ``delay_ms``: from one to another; 0 where the kernel cannot delay."""

    hosts: dict[str, Host]
    delay_ms: float


@contextlib.contextmanager
def network(names: Sequence[str]) -> Iterator[Network]:
    """Hosts of these names, which reach each other and are reached from here.

    Raises ``Unavailable`` where that cannot be had.
    """
    _check()
    _sweep()
    own = f"{PREFIX}{os.getpid()}-"
    try:
        yield _make(own, names)
    finally:
        _remove(own)


def _check() -> None:
    if os.geteuid() != 0:
        raise Unavailable("network namespaces need root on Linux: run it as root")
    if not debian.installed(debian.IPROUTE):
        raise Unavailable(debian.IPROUTE.missing)
    if not shutil.which("nsenter"):  # of every Linux but the smallest
        raise Unavailable("no nsenter: install util-linux")
    limit.check()


def _make(own: str, names: Sequence[str]) -> Network:
    subnet = _subnet()
    here, *addresses = map(str, islice(subnet.hosts(), 1 + len(names)))
    bridge = f"{own}br"
    try:
        _run("ip", "link", "add", bridge, "type", "bridge")
        _run("ip", "addr", "add", f"{here}/{subnet.prefixlen}", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        hosts = {}
        for number, (name, address) in enumerate(zip(names, addresses, strict=True)):
            _join(own, number, name, f"{address}/{subnet.prefixlen}")
            hosts[name] = Host(name, *_place(own, name, address))
    except subprocess.CalledProcessError as error:
        said = str(error.stderr).strip() or error
        raise Unavailable(f"no network of namespaces can be made: {said}") from error
    except OSError as error:
        raise Unavailable(f"no host can be made: {error}") from error
    _reach(hosts)
    return Network(hosts, _delayed(own, names))


def _join(own: str, number: int, name: str, address: str) -> None:
    """Make a namespace and plug it into the bridge."""
    namespace, outside = f"{own}{name}", f"{own}{number}"
    _run("ip", "netns", "add", namespace)
    peer = ("peer", "name", "eth0", "netns", namespace)
    _run("ip", "link", "add", outside, "type", "veth", *peer)
    _run("ip", "link", "set", outside, "master", f"{own}br", "up")
    _run("ip", "-n", namespace, "addr", "add", address, "dev", "eth0")
    _run("ip", "-n", namespace, "link", "set", "eth0", "up")
    _run("ip", "-n", namespace, "link", "set", "lo", "up")


def _place(own: str, name: str, address: str) -> tuple[Place, Limit]:
    namespace = f"{own}{name}"
    share = Limit(namespace)
    # The shell puts itself into the control group; what it becomes stays there.
    grouped = ("/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(share.directory))
    entered = ("nsenter", f"--net={NAMESPACES / namespace}", "--")
    return Place(address, (*grouped, *entered)), share


def _reach(hosts: dict[str, Host]) -> None:
    first, *_, last = hosts.values()
    command = [*first.place.enter, sys.executable, "-c", REACH, last.place.address]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise Unavailable(
            "the hosts do not reach each other: a firewall drops what a bridge forwards "
            "(net.bridge.bridge-nf-call-iptables)"
        )


def _delayed(own: str, names: Sequence[str]) -> float:
    """Delay what each host sends. Returns by how many ms: 0 where the kernel has no netem."""
    delay = ("root", "netem", "delay", f"{DELAY_MS}ms")
    try:
        for name in names:
            _run("tc", "-n", f"{own}{name}", "qdisc", "add", "dev", "eth0", *delay)
    except subprocess.CalledProcessError:
        return 0.0
    return DELAY_MS


def _subnet() -> IPv4Network:
    """One that no interface of this machine has: from a place on that depends on our pid, so that
    two who look at the same time do not find the same."""
    used = _run("ip", "-o", "-4", "addr", "show")
    every = list(SUBNETS.subnets(new_prefix=24))
    start = os.getpid() % len(every)
    for subnet in every[start:] + every[:start]:
        if f" {str(subnet.network_address).rpartition('.')[0]}." not in used:
            return subnet
    raise Unavailable(f"every subnet of {SUBNETS} is in use")


def _sweep() -> None:
    """Remove what labs have left that were killed."""
    places = [place for place in (NAMESPACES, LINKS) if place.exists()]
    left = [path.name for place in places for path in place.iterdir()] + limit.names()
    for pid in {found[1] for name in left if (found := re.match(rf"{PREFIX}(\d+)-", name))}:
        if not Path(f"/proc/{pid}").exists():
            _remove(f"{PREFIX}{pid}-")


def _remove(own: str) -> None:
    """All that is named so. An interface goes with its namespace."""
    if NAMESPACES.exists():
        for path in NAMESPACES.glob(f"{own}*"):
            _run("ip", "netns", "del", path.name)
    for path in LINKS.glob(f"{own}*"):
        with contextlib.suppress(subprocess.CalledProcessError):  # it may just be going
            _run("ip", "link", "del", path.name)
    limit.remove(own)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
