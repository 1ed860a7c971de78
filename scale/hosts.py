"""Hosts on one machine: network namespaces joined by a bridge, each with its share of CPU.

Needs root on Linux. Everything is removed at the end of the block, also on Ctrl-C; what a killed
run has left is removed by the next one.
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
from stack.supervision.network_host import Place

#: The prefix of all names, followed by our pid: namespaces and control groups are
#: ``nfy<pid>-<host>``, interfaces ``nfy<pid>-<number>`` (Linux allows 15 characters).
PREFIX = "nfy"
NAMESPACES, LINKS = Path("/run/netns"), Path("/sys/class/net")
#: The network in which a free subnet for the hosts is searched.
SUBNETS = IPv4Network("10.213.0.0/16")
#: The delay of a packet from one host to another, where the kernel has netem.
DELAY_MS = 0.5
#: A check that one host reaches another: nothing listens at the port, which is refused at once.
REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 1), 2)
except ConnectionRefusedError:
    pass
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A host. ``place``: where its processes run; ``limit``: their CPU together."""

    name: str
    place: Place
    limit: Limit


@dataclass(frozen=True, slots=True)
class Network:
    """Hosts by name. ``delay_ms``: between two hosts; 0 where the kernel cannot delay."""

    hosts: dict[str, Host]
    delay_ms: float


@contextlib.contextmanager
def network(names: Sequence[str]) -> Iterator[Network]:
    """Create hosts that reach each other and are reachable from here, for the block.

    Raises ``Unavailable`` where that is not possible.
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
    if not shutil.which("nsenter"):  # part of every Linux but the smallest
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
        reason = str(error.stderr).strip() or error
        raise Unavailable(f"no network of namespaces can be made: {reason}") from error
    except OSError as error:
        raise Unavailable(f"no host can be made: {error}") from error
    _reach(hosts)
    return Network(hosts, _delayed(own, names))


def _join(own: str, number: int, name: str, address: str) -> None:
    """Create a namespace and connect it to the bridge."""
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
    # The shell moves itself into the control group; the program that it execs stays there.
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
    """Delay the packets of each host. Returns milliseconds, 0 where the kernel has no netem."""
    delay = ("root", "netem", "delay", f"{DELAY_MS}ms")
    try:
        for name in names:
            _run("tc", "-n", f"{own}{name}", "qdisc", "add", "dev", "eth0", *delay)
    except subprocess.CalledProcessError:
        return 0.0
    return DELAY_MS


def _subnet() -> IPv4Network:
    """Return a subnet that no interface of this machine has.

    The search begins at a point that depends on our pid, so that two concurrent runs find different
    ones.
    """
    used = _run("ip", "-o", "-4", "addr", "show")
    every = list(SUBNETS.subnets(new_prefix=24))
    start = os.getpid() % len(every)
    for subnet in every[start:] + every[:start]:
        if f" {str(subnet.network_address).rpartition('.')[0]}." not in used:
            return subnet
    raise Unavailable(f"every subnet of {SUBNETS} is in use")


def _sweep() -> None:
    """Remove what killed runs have left."""
    places = [place for place in (NAMESPACES, LINKS) if place.exists()]
    left = [path.name for place in places for path in place.iterdir()] + limit.names()
    for pid in {found[1] for name in left if (found := re.match(rf"{PREFIX}(\d+)-", name))}:
        if not Path(f"/proc/{pid}").exists():
            _remove(f"{PREFIX}{pid}-")


def _remove(own: str) -> None:
    """Remove everything with this prefix. An interface is removed with its namespace."""
    if NAMESPACES.exists():
        for path in NAMESPACES.glob(f"{own}*"):
            _run("ip", "netns", "del", path.name)
    for path in LINKS.glob(f"{own}*"):
        with contextlib.suppress(subprocess.CalledProcessError):  # it may be ending just now
            _run("ip", "link", "del", path.name)
    limit.remove(own)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
