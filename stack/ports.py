"""Free ports on the loopback interface."""

import socket

HOST = "127.0.0.1"


def free() -> int:
    """A port nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def near(preferred: int) -> int:
    """``preferred``, or the first free port of the hundred above it; any, if none of those is."""
    for port in range(preferred, preferred + 100):
        if _is_free(port):
            return port
    return free()


def listens(port: int) -> bool:
    """Whether something answers on this port of the loopback interface."""
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
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
