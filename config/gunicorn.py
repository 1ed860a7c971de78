"""Gunicorn's settings that are more than a value; the others are in the Procfile."""

import gc
from typing import Any

from gunicorn import sock

#: Each process has a listening socket of its own, and Linux spreads connections over them. With
#: one that they share, whoever wakes up first takes it: often all connections of a client that
#: opens several at once.
reuse_port = True


def on_starting(server: Any) -> None:
    """Refuse an address at which another server listens, after five seconds of asking for it.

    Without this both would get some of the requests. Ends the process with 1.
    """
    server.cfg.set("reuse_port", False)
    sock.close_sockets(sock.create_sockets(server.cfg, server.log), unlink=False)
    server.cfg.set("reuse_port", True)


def post_worker_init(worker: Any) -> None:
    """What is in memory before the first request stays there: it is not looked through for garbage
    again and again."""
    gc.collect()
    gc.freeze()
