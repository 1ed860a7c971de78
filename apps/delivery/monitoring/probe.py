"""The probe of a process without pages: ``/healthz`` and ``/metrics`` at ``NOTIFIER_PROBE_PORT``.

For workers and beat in containers, which share no directory of metrics and no machine. Under
systemd, the watchdog of a unit is told the same (``WatchdogSec=``).
"""

import json
import logging
import os
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings

from apps.core.processes import progress
from apps.delivery.monitoring import metrics

log = logging.getLogger(__name__)

#: Seconds that a client may take for its request.
PATIENCE = 5.0


class Page(BaseHTTPRequestHandler):
    """One request."""

    timeout = PATIENCE

    def do_GET(self) -> None:
        if self.path == "/healthz":
            stuck = {what: round(seconds) for what, seconds in progress.stuck().items()}
            body = {"status": "stuck", "seconds": stuck} if stuck else {"status": "ok"}
            self._answer(503 if stuck else 200, "application/json", json.dumps(body).encode())
        elif self.path == "/metrics":
            self._answer(200, "text/plain; version=0.0.4", metrics.of_processes())
        else:
            self._answer(404, "text/plain", b"This process answers /healthz and /metrics.\n")

    def log_message(self, format: str, *_: object) -> None:
        """Log no requests."""

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def start() -> None:
    """Answer probes from now on where the settings name a port; tell systemd where it asks."""
    if settings.PROBE_PORT:
        server = ThreadingHTTPServer((settings.PROBE_HOST, settings.PROBE_PORT), Page)
        threading.Thread(target=server.serve_forever, name="probe", daemon=True).start()
    if seconds := _watchdog_seconds():
        threading.Thread(target=_watch, args=[seconds / 3], name="watchdog", daemon=True).start()


def _watchdog_seconds() -> float:
    """Return the seconds after which systemd ends this process unless told otherwise; 0: never."""
    of_another = os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid())
    return 0.0 if of_another else int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6


def _watch(every: float) -> None:
    """Tell systemd of progress, for as long as there is some."""
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):  # of Linux's abstract namespace
        address = "\0" + address[1:]
    pause = threading.Event()
    while True:
        if stuck := progress.stuck():
            log.error("stuck: %s", ", ".join(f"{what} for {s:.0f} s" for what, s in stuck.items()))
        else:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                systemd.sendto(b"WATCHDOG=1", address)
        pause.wait(every)
