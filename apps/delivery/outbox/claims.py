"""Claims: what a worker process holds now, under a lease.

A claim's id is its fence. It is never used again, so a process that lost its claim finds no
delivery that carries it when it comes to record what it sent. It is made of the time and random
bits and not of a sequence: a promoted standby may be behind, and would issue the same numbers
again.
"""

import os
import random
import socket
import time
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from apps.delivery.outbox.queues import Queue

#: Most expired claims that one transaction releases.
AT_ONCE = 20
#: Seconds after the end of its lease by which a claim is released unless it is locked: some sweeps.
LATE = 3.0

_OPEN = """
INSERT INTO delivery_claim (id, channel, priority, worker, claimed_at, lease_until)
VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp() + make_interval(secs => %s))
RETURNING extract(epoch FROM clock_timestamp())::float8
"""
_WORKERS = """
SELECT count(DISTINCT worker) FROM delivery_claim
 WHERE channel = %s AND lease_until > clock_timestamp()
"""
# An expired claim that was not released soon after its lease ended was locked by another
# transaction, so that its worker could not renew it either. Where that worker renews others it is
# alive: the claim gets another lease.
_SPARE = """
UPDATE delivery_claim
   SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE id = ANY(ARRAY(
       SELECT id FROM delivery_claim c
        WHERE lease_until <= clock_timestamp() - make_interval(secs => %(late)s)
          AND EXISTS (SELECT FROM delivery_claim
                       WHERE worker = c.worker AND lease_until > clock_timestamp())
          FOR UPDATE SKIP LOCKED))
"""
# Skips claims that others have locked: what was sent is recorded without waiting for them.
_CLOSE = """
DELETE FROM delivery_claim
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_claim WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED))
RETURNING id
"""
# A database server that has just started gives workers one lease to renew what they hold.
_LOST = """
SELECT id FROM delivery_claim
 WHERE (lease_until <= clock_timestamp()
        AND pg_postmaster_start_time() <= clock_timestamp() - make_interval(secs => %s))
    OR worker = ANY(%s)
 ORDER BY lease_until LIMIT %s FOR UPDATE SKIP LOCKED
"""


def new_id() -> int:
    """Return a number that no claim has had: unix microseconds, then ten random bits."""
    return time.time_ns() // 1000 << 10 | random.getrandbits(10)


def open(claim_id: int, queue: Queue, before: str = "") -> float:
    """Insert the claim and return the database's time (unix seconds).

    ``before``: statements to execute first, in the same round trip. Runs in the transaction that
    creates the claim's deliveries.
    """
    with connection.cursor() as cursor:
        cursor.execute(before + _OPEN, [claim_id, *queue, _worker(), settings.LEASE_SECONDS])
        return float(cursor.fetchone()[0])


def held(claim_ids: Collection[int]) -> set[int]:
    """Return those of these claims that were neither closed nor released."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM delivery_claim WHERE id = ANY(%s)", [list(claim_ids)])
        return {claim_id for (claim_id,) in cursor.fetchall()}


def workers(channel: str) -> int:
    """Return how many workers hold claims of a channel."""
    with connection.cursor() as cursor:
        cursor.execute(_WORKERS, [channel])
        return int(cursor.fetchone()[0])


def close(claim_ids: Collection[int]) -> set[int]:
    """Delete claims that have nothing left to record; return those that others have locked.

    Runs in the recording transaction. The renewal of a claim's lease may have it locked, for
    example: it is to be closed again later.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [list(claim_ids)])
        left = set(claim_ids) - {claim_id for (claim_id,) in cursor.fetchall()}
    return held(left) if left else left


def lost() -> Sequence[int]:
    """Lock up to ``AT_ONCE`` claims whose worker is gone, and return their ids.

    A worker is gone when its lease has run out, or at once where it was a process of this host that
    does not run any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SPARE, {"lease": settings.LEASE_SECONDS, "late": LATE})
        cursor.execute(_LOST, [settings.LEASE_SECONDS, _ended(cursor), AT_ONCE])
        return [claim_id for (claim_id,) in cursor.fetchall()]


def _ended(cursor: CursorWrapper) -> list[str]:
    """Return workers with claims that were processes of this host and do not run any more."""
    cursor.execute("SELECT DISTINCT worker FROM delivery_claim")
    here, _, _ = _worker().rpartition("/")
    found = []
    for (worker,) in cursor.fetchall():
        host, _, pid = worker.rpartition("/")
        if host == here and not Path("/proc", pid).exists():
            found.append(worker)
    return found


@cache
def _worker() -> str:
    """Return this process's name: host, namespace of process ids (on Linux), process id."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:  # not Linux: only leases say which workers are gone
        namespace = random.getrandbits(32)
    return f"{socket.gethostname()[:150]}/{namespace}/{os.getpid()}"
