"""A worker stops when it is told to: its event loop looks for that each time it turns, and at rest
it turns every two seconds.
"""

import signal
import socket
from functools import cache
from typing import Any


def heed_signals(sender: Any, **_: object) -> None:
    """Have the event loop turn at every signal. Connected to ``worker_ready``, which comes again
    after each lost connection, when the loop has forgotten what it watched. ``sender`` is
    the worker's consumer, without a loop in pools that have none."""
    if sender.hub:
        reader = _wakeup()
        sender.hub.add_reader(reader, _drain, reader)


@cache
def _wakeup() -> socket.socket:
    """Python itself writes to it, which no lock that the main thread may hold can keep it from."""
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    return reader


def _drain(reader: socket.socket) -> None:
    reader.recv(4096)
