"""Free ports of the loopback interface, each reserved for one process at a time.

Seconds pass between finding a port free and listening at it, in which another process may find it
free too. So each port that is given out has a lock file, which the process that asked for it holds
as long as it lives, and which is checked first.
"""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
#: Below the ports that Linux (from 32,768) and macOS (from 49,152) use for outgoing connections,
#: any of which may take a port before we listen at it.
FREE = range(20_000, 32_000)
NEAR = 100
LOCKS = Path(tempfile.gettempdir()) / "notifier-ports"

#: Lock files that this process holds open, by port.
_reserved: dict[int, int] = {}


def free() -> int:
    """Reserve a port that nothing listens on, until this process ends."""
    candidates = random.sample(FREE, len(FREE))
    return next(port for port in candidates if _reserve(port))


def near(preferred: int) -> int:
    """Reserve ``preferred``, else a free port of the hundred above it, else any free port."""
    candidates = range(preferred, min(preferred + NEAR, 2**16))
    return next((port for port in candidates if _reserve(port)), None) or free()


def listens(port: int, address: str = HOST) -> bool:
    """Return whether something listens on this port."""
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def _reserve(port: int) -> bool:
    """Reserve the port; return whether it was free."""
    with contextlib.suppress(OSError):
        LOCKS.mkdir()
        LOCKS.chmod(0o1777)  # for all users, like the directory that contains it
    try:
        lock = os.open(LOCKS / str(port), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError:
        return False  # of another user
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
        # As servers do: without it a port is in use for a minute after its last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
