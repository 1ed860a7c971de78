"""Keeping this process's leases alive: a chunk may take longer than its lease."""

import logging
import threading

from django.conf import settings
from django.db import connection

from apps.delivery import chunks
from apps.delivery.chunks import Chunk

log = logging.getLogger(__name__)


class LeaseKeeper(threading.Thread):
    """Renews the leases of the chunks held, three times a lease, from one thread a process.

    A process that is stopped or cut off from the database stops renewing, and another worker
    takes its chunks over; the fence keeps its late writes out.
    """

    def __init__(self) -> None:
        super().__init__(name="leases", daemon=True)
        self._held: dict[int, int] = {}
        self._lock = threading.Lock()

    def hold(self, chunk: Chunk) -> None:
        """Renew this chunk's lease until it is released."""
        with self._lock:
            self._held[chunk.id] = chunk.fence

    def release(self, chunk: Chunk) -> None:
        """Its work is over, well or badly."""
        with self._lock:
            self._held.pop(chunk.id, None)

    def run(self) -> None:
        pause = threading.Event()
        while not pause.wait(settings.LEASE_SECONDS / 3):
            with self._lock:
                held = dict(self._held)
            if not held:
                continue
            try:
                chunks.extend_leases(held)
                connection.close()
            except Exception as error:  # this thread must outlive whatever a database can do
                log.warning("leases not renewed: %s", type(error).__name__)
