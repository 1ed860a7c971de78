"""Gunicorn's settings that need code; plain values are options in the Procfile."""

import gc
import json
import logging
import socket
from typing import Any
from urllib.parse import unquote

from gunicorn import glogging, sock, util

from config import database, logs
from config.logs.filters import About, OncePerMinute, no_uri
from config.logs.formats import JsonFormatter, ReticentFormatter

#: Give each process a listening socket of its own, over which Linux spreads connections. On a
#: shared socket the process that wakes up first often accepts all connections of a client that
#: opens several at once.
reuse_port = True

#: A thread gets a request once all of it has arrived, and never waits for the client.
worker_class = "notifier.web.worker.Worker"
#: With sendfile a thread would send a file only as fast as its client reads.
sendfile = False


#: Take the path from the request line alone: no client says where the application begins
#: (``SCRIPT_NAME``), also where the proxy is on this machine.
forwarder_headers = ""


class Logger(glogging.Logger):  # type: ignore[misc]
    """Gunicorn's logger, whose lines are JSON where all others are, and quote as little."""

    def setup(self, cfg: Any) -> None:
        from django.conf import settings  # by now its errors are printed as a sentence

        super().setup(cfg)
        is_json = logs.is_json(settings.LOGGING)
        text = ReticentFormatter(self.error_fmt, self.datefmt)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter() if is_json else text)
            handler.addFilter(About())
            handler.addFilter(no_uri)


logger_class = Logger


def on_starting(server: Any) -> None:
    """Exit with 1 where database sessions lack limits, or another server listens at our address.

    The address is tried for five seconds. With ``reuse_port`` alone both servers would get some of
    the requests.
    """
    database.check_at_start()
    server.cfg.set("reuse_port", False)
    listeners = sock.create_sockets(server.cfg, server.log)
    addresses = ", ".join(str(listener) for listener in listeners)
    sock.close_sockets(listeners, unlink=False)
    server.cfg.set("reuse_port", True)
    # Gunicorn's own line names the sockets of the master process, which has none.
    server.log.info("Each process listens at %s", addresses)


def post_worker_init(worker: Any) -> None:
    """Open database connections before the first request needs them, and freeze the heap.

    Objects that exist by now live as long as the process, so the collector need not visit them.
    """
    from apps.alerts import evaluator  # once Django is set up
    from apps.core import tracing
    from apps.core.postgresql import pool

    pool.fill("default", pool.AT_START)
    tracing.start()
    evaluator.start()
    gc.collect()
    gc.freeze()
    util.write_error = write_problem
    worker.most_body = most_body
    worker.log.error_log.addFilter(InvalidRequests())


def worker_exit(_server: Any, _worker: Any) -> None:
    """Hand over the spans that wait."""
    from apps.core import tracing  # once Django is set up

    tracing.stop()


def most_body(target: str) -> int:
    """Return how many bytes of a body the view at this target reads at most."""
    from django.conf import settings  # once Django is set up
    from django.urls import Resolver404, resolve

    try:
        view = resolve(unquote(target.partition("?")[0])).func
    except Resolver404:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return getattr(getattr(view, "cls", None), "max_body", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class InvalidRequests(OncePerMinute):
    """Limit Gunicorn's lines on bytes that are not HTTP to one a minute; pass all others."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Invalid request") or super().filter(record)


def write_problem(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer what Gunicorn itself refuses (not HTTP, or too long) with a problem document."""
    from apps.api.problems import CONTENT_TYPE, server_problem  # once Django is set up

    body = json.dumps(server_problem(status, message).body()).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("latin-1") + body)
