"""A network namespace of our own, with addresses to which packets can be dropped."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from stack import debian
from stack.backends.postgres import Postgres
from stack.errors import StackError
from stack.supervision.ports import HOST

CLONE_NEWNET = 0x40000000
#: The subnet of the addresses; packets to an unused one are dropped.
NET, NOWHERE = "10.99.0.", "nowhere"
_ours: set[str] = set()
_isolated = False


def isolate() -> None:
    """Move this process, and all that it starts, into a network namespace, where that is allowed.

    Call it while there is only one thread. The namespace ends with the last process.
    """
    global _isolated
    if os.geteuid() or not debian.installed(debian.IPROUTE):
        return
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        return
    _ip("link", "set", "lo", "up")
    # A pair of interfaces whose far end accepts no packet for other addresses.
    _ip("link", "add", NOWHERE, "type", "veth", "peer", "name", f"{NOWHERE}2")
    for end in (NOWHERE, f"{NOWHERE}2"):
        _ip("link", "set", end, "up")
    _ip("route", "add", f"{NET}0/24", "dev", NOWHERE)
    _isolated = True


def isolated() -> bool:
    """Return whether we are in a network namespace of our own."""
    return _isolated


@contextmanager
def addresses(*numbers: int) -> Iterator[list[str]]:
    """Add addresses to this host until the end of the block.

    Raises ``StackError`` where there is no network namespace of our own.
    """
    if not _isolated:
        raise StackError("A network of its own wants root, on Linux, and Debian's iproute2.")
    found = [f"{NET}{number}" for number in numbers]
    for address in found:
        _ip("neigh", "replace", address, "lladdr", "02:00:00:00:00:01", "dev", NOWHERE)
        _ip("address", "add", f"{address}/32", "dev", "lo")
        _ours.add(address)
    try:
        yield found
    finally:
        for address in found:
            with suppress(StackError):
                silence(address)


def silence(address: str) -> None:
    """Drop all packets to an address from now on, including those of open connections."""
    if address in _ours:
        _ours.discard(address)
        _ip("address", "del", f"{address}/32", "dev", "lo")


def url(postgres: Postgres, *hosts: str) -> str:
    """Return the server's URL at these addresses."""
    at = ",".join(f"{host}:{postgres.port}" for host in hosts)
    return postgres.url.replace(f"{HOST}:{postgres.port}", at)


def _ip(*arguments: str) -> None:
    program = shutil.which("ip", path=debian.SYSTEM_PATH)
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
