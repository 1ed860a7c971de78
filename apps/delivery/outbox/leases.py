"""Leases: keep this process's claims alive, since sending may take longer than a lease."""

import logging
import threading
from collections.abc import Collection

from django.conf import settings
from django.db import connection

from apps.core.processes import progress
from apps.delivery.outbox.reserved import reserve

log = logging.getLogger(__name__)

# Skips claims that are just being released: the renewal of the others must not wait for them.
_RENEW = """
UPDATE delivery_claim
   SET lease_until = clock_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_claim WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED))
"""


def renew(claim_ids: Collection[int]) -> None:
    """Renew the leases of those of these claims that are still held."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [settings.LEASE_SECONDS, list(claim_ids)])


class LeaseKeeper(threading.Thread):
    """Renews the leases of held claims, three times per lease, from one thread per process.

    A process that is stopped or cut off from the database stops renewing, and its claims are
    released to others; what it records after that matches no row.
    """

    def __init__(self) -> None:
        super().__init__(name="leases", daemon=True)
        self._held: set[int] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()  # a Thread has a ``_stop`` of its own

    def hold(self, claim_id: int) -> None:
        """Renew this claim's lease until it is released."""
        with self._lock:
            self._held.add(claim_id)

    def release(self, claim_id: int) -> None:
        """Stop renewing this claim's lease."""
        with self._lock:
            self._held.discard(claim_id)

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def run(self) -> None:
        """Renew until ``stop``."""
        reserve()
        while not self._stopping.wait(settings.LEASE_SECONDS / 3):
            with self._lock:
                held = set(self._held)
            if not held:
                continue
            progress.turn()
            try:
                renew(held)
            except Exception as error:  # this thread must survive every database error
                log.warning("leases cannot be renewed: %s", type(error).__name__)
            finally:
                connection.close()  # also one that broke: Django opens no other before
            progress.rest()
