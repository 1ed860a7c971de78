"""``python -m config.web.stream --host HOST --port PORT``: the process of ``apps.inbox.stream``."""

import argparse
import asyncio
import logging
import os
import resource
import socket
import sys
from typing import Any

import django
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402

from apps.alerts import evaluator  # noqa: E402
from apps.core import tracing  # noqa: E402
from apps.inbox.stream.application import ABORT, Stream  # noqa: E402
from config import database  # noqa: E402

log = logging.getLogger(__name__)

#: Seconds that a client may take for the headers of its first request.
HEADERS_WITHIN = 10.0
#: Connections that the kernel holds until they are accepted: all may come back at once.
BACKLOG = 4096
#: Milliseconds after which the kernel gives up a client that acknowledges nothing.
UNACKNOWLEDGED = 30_000
#: Descriptors beside those of connections.
SPARE = 200


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which waits for a request's headers for ``HEADERS_WITHIN`` only."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADERS_WITHIN, transport.close)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[ABORT] = self.transport.abort  # type: ignore[literal-required]

    def on_headers_complete(self) -> None:
        self._met()
        super().on_headers_complete()

    def connection_lost(self, error: Exception | None) -> None:
        self._met()
        super().connection_lost(error)

    def _met(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Server(uvicorn.Server):
    """A server that ends its streams with an event before it closes connections."""

    def __init__(self, config: uvicorn.Config, stream: Stream) -> None:
        super().__init__(config)
        self._stream = stream

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in self.servers:
            listening.close()  # whoever comes now finds another process, or the next one
        await self._stream.hub.stop()
        await super().shutdown(sockets)
        # Here, since uvicorn ends the process by the signal that it was stopped with.
        await asyncio.to_thread(tracing.stop)


def main() -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
    database.check_at_start()
    _raise_descriptors()
    parser = argparse.ArgumentParser(prog="python -m config.web.stream")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    at = parser.parse_args()
    try:
        listener = _listen(at.host, at.port)
    except OSError as error:
        print(f"The stream cannot listen at {at.host}:{at.port}: {error}", file=sys.stderr)
        return 1
    stream = Stream()
    config = uvicorn.Config(
        stream,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    server = Server(config, stream)
    log.info("The stream listens at %s:%d", at.host, at.port)
    tracing.start()
    evaluator.start()
    server.run(sockets=[listener])
    return 0 if server.started else 3


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Accepted connections inherit these.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return listener


def _raise_descriptors() -> None:
    """Allow as many descriptors as there may be connections, as far as this process may."""
    wanted = settings.STREAM_CONNECTIONS + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        log.warning(
            "NOTIFIER_STREAM_CONNECTIONS is %d, and this process may open %d descriptors: raise "
            "its limit (ulimit -n, LimitNOFILE)",
            settings.STREAM_CONNECTIONS,
            hard,
        )
        wanted = hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
