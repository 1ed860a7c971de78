"""Ports of the loopback interface, each reserved for one process of ours at a time.

Between finding a port free and listening at it seconds pass, in which another that looks finds it
free, too. So each port that is given out has a lock file, which the process that asked for it holds
as long as it lives, and everybody here looks at that first.
"""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
#: Below those that Linux (from 32,768) and macOS (from 49,152) give to outgoing connections, any of
#: which may take a port that nobody listens at yet.
FREE = range(20_000, 32_000)
NEAR = 100
LOCKS = Path(tempfile.gettempdir()) / "notifier-ports"

#: By port, the lock files that this process holds open.
_reserved: dict[int, int] = {}


def free() -> int:
    """A port nothing listens on, ours until this process ends."""
    candidates = random.sample(FREE, len(FREE))
    return next(port for port in candidates if _reserve(port))


def near(preferred: int) -> int:
    """``preferred``, or the first free port of the hundred above it; any, if none of those is."""
    candidates = range(preferred, min(preferred + NEAR, 2**16))
    return next((port for port in candidates if _reserve(port)), None) or free()


def listens(port: int, address: str = HOST) -> bool:
    """Whether something answers on this port, of the loopback interface where none is named."""
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def _reserve(port: int) -> bool:
    """Whether the port is free and nobody else's; it is ours then."""
    with contextlib.suppress(OSError):
        LOCKS.mkdir()
        LOCKS.chmod(0o1777)  # every user's, like the directory it is in
    try:
        lock = os.open(LOCKS / str(port), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError:
        return False  # another user's
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    if not _is_free(port):
        os.close(lock)
        return False
    _reserved[port] = lock
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: without it a port is taken for a minute after its last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
