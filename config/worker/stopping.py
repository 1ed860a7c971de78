"""Prompt stopping of a worker: wake its event loop at every signal.

The loop looks for a stop request once per iteration, and an idle loop iterates every two seconds.
"""

import signal
import socket
from functools import cache
from typing import Any


def heed_signals(sender: Any, **_: object) -> None:
    """Wake the event loop at every signal.

    Connected to ``worker_ready``, which is sent again after each lost connection, when the loop has
    forgotten its readers. ``sender``: the worker's consumer; its ``hub`` is ``None`` in pools
    without an event loop.
    """
    if sender.hub:
        reader = _wakeup()
        sender.hub.add_reader(reader, _drain, reader)


@cache
def _wakeup() -> socket.socket:
    """Return a socket that Python itself writes to at each signal, whatever locks are held."""
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    return reader


def _drain(reader: socket.socket) -> None:
    reader.recv(4096)
