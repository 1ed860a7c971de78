"""Addresses of a network of our own, each of which can be made to say nothing: packets to it are
dropped and nobody is told.
"""

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
#: Where packets to an address of these go that nobody has: to nobody.
NET, NOWHERE = "10.99.0.", "nowhere"
_ours: set[str] = set()
_isolated = False


def isolate() -> None:
    """Give this process and all that it starts a network of their own, where that may be done.

    It ends with the last of them. Call it while there is one thread.
    """
    global _isolated
    if os.geteuid() or not debian.installed(debian.IPROUTE):
        return
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        return
    _ip("link", "set", "lo", "up")
    # A pair of which the far end takes no packet for others.
    _ip("link", "add", NOWHERE, "type", "veth", "peer", "name", f"{NOWHERE}2")
    for end in (NOWHERE, f"{NOWHERE}2"):
        _ip("link", "set", end, "up")
    _ip("route", "add", f"{NET}0/24", "dev", NOWHERE)
    _isolated = True


def isolated() -> bool:
    """Whether nobody else is in our network."""
    return _isolated


@contextmanager
def addresses(*numbers: int) -> Iterator[list[str]]:
    """Addresses of this host, until the end of the block.

    Raises: ``StackError`` where there is no network of our own.
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
    """Packets to it go nowhere from now on, those of connections that there are as well."""
    if address in _ours:
        _ours.discard(address)
        _ip("address", "del", f"{address}/32", "dev", "lo")


def url(postgres: Postgres, *hosts: str) -> str:
    """Its URL at these addresses."""
    at = ",".join(f"{host}:{postgres.port}" for host in hosts)
    return postgres.url.replace(f"{HOST}:{postgres.port}", at)


def _ip(*arguments: str) -> None:
    program = shutil.which("ip", path=debian.SYSTEM_PATH)
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
