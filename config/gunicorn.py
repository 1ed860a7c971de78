"""Gunicorn's settings that are more than a value; the others are in the Procfile."""

import gc
import json
import logging
import socket
from typing import Any
from urllib.parse import unquote

from gunicorn import sock, util

from config import database
from config.logs import Seldom

#: Each process has a listening socket of its own, and Linux spreads connections over them. With
#: one that they share, whoever wakes up first takes it: often all connections of a client that
#: opens several at once.
reuse_port = True

#: A thread has a request once all of it is there, and never waits for its client.
worker_class = "notifier.web.worker.Worker"
#: A file would be sent by the thread as fast as its client takes it.
sendfile = False


def on_starting(server: Any) -> None:
    """Refuse sessions of the database without limits, and an address at which another server
    listens, after five seconds of asking for it.

    Without the latter both would get some of the requests. Ends the process with 1.
    """
    database.check_at_start()
    server.cfg.set("reuse_port", False)
    listeners = sock.create_sockets(server.cfg, server.log)
    addresses = ", ".join(str(listener) for listener in listeners)
    sock.close_sockets(listeners, unlink=False)
    server.cfg.set("reuse_port", True)
    # Gunicorn itself names the sockets of the first process, which has none.
    server.log.info("Each process listens at %s", addresses)


def post_worker_init(worker: Any) -> None:
    """Open the database's connections before the first request needs them.

    What is in memory by then stays there: it is not looked through for garbage again and again.
    """
    from apps.core.postgresql import pool  # once Django is set up

    pool.fill("default", pool.AT_START)
    gc.collect()
    gc.freeze()
    util.write_error = write_problem
    worker.most_body = most_body
    worker.log.error_log.addFilter(Invalid())


def most_body(target: str) -> int:
    """How many bytes of a body the view at this target reads. More are not waited for."""
    from django.conf import settings  # once Django is set up
    from django.urls import Resolver404, resolve

    try:
        view = resolve(unquote(target.partition("?")[0])).func
    except Resolver404:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return getattr(getattr(view, "cls", None), "max_body", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class Invalid(Seldom):
    """What is no HTTP says so once a minute. Everything else that Gunicorn logs is ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Invalid request") or super().filter(record)


def write_problem(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer what Gunicorn itself refuses (no HTTP, or too much of it) as the API would."""
    from apps.api.problems import CONTENT_TYPE, of_server  # once Django is set up

    body = json.dumps(of_server(status, message).body()).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("latin-1") + body)
