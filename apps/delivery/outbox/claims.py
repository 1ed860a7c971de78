"""Claims: what a worker process holds now, under a lease.

A claim's id is its fence. It is never used again, so a process that lost its claim finds nothing
that carries it when it comes to record what it sent. It is made from the time and at random and
not by a sequence: a standby that is promoted may be behind, and would give the same numbers again.
"""

import os
import random
import socket
import time
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from apps.delivery.outbox.queues import Queue

#: Claims whose lease ran out that are released in one transaction.
AT_ONCE = 20
#: Seconds after the end of its lease by which a claim is released where that can be: some sweeps.
LATE = 3.0

_OPEN = """
INSERT INTO delivery_claim (id, channel, priority, worker, claimed_at, lease_until)
VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp() + make_interval(secs => %s))
RETURNING extract(epoch FROM clock_timestamp())::float8
"""
# A claim that is being released just now is passed by: the others' renewal must not wait for it.
_RENEW = """
UPDATE delivery_claim
   SET lease_until = clock_timestamp() + make_interval(secs => %s)
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_claim WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED))
"""
# A claim that others had locked could not be renewed. Nor could it be released, or it would have
# been when its lease was over: its worker, which lives, has the time of a lease to do it now.
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
# Nobody waits for one that others have locked. It carries nothing any more, and is released later.
_CLOSE = """
DELETE FROM delivery_claim
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_claim WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED))
"""
# A server that has just come up gives workers the time of a lease to renew what they hold.
_LOST = """
SELECT id FROM delivery_claim
 WHERE (lease_until <= clock_timestamp()
        AND pg_postmaster_start_time() <= clock_timestamp() - make_interval(secs => %s))
    OR worker = ANY(%s)
 ORDER BY lease_until LIMIT %s FOR UPDATE SKIP LOCKED
"""


def new_id() -> int:
    """Return a number that no claim has had: microseconds, and ten random bits."""
    return time.time_ns() // 1000 << 10 | random.getrandbits(10)


def open(claim_id: int, queue: Queue, before: str = "") -> float:
    """Write down the claim, after the statements ``before``; the database's time (unix seconds).

    In the transaction that makes its deliveries.
    """
    with connection.cursor() as cursor:
        cursor.execute(before + _OPEN, [claim_id, *queue, _worker(), settings.LEASE_SECONDS])
        return float(cursor.fetchone()[0])


def renew(claim_ids: Collection[int]) -> None:
    """Begin the leases of these claims anew, of those that are still held."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [settings.LEASE_SECONDS, list(claim_ids)])


def held(claim_ids: Collection[int]) -> set[int]:
    """Those of these claims that were neither closed nor released."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM delivery_claim WHERE id = ANY(%s)", [list(claim_ids)])
        return {claim_id for (claim_id,) in cursor.fetchall()}


def close(claim_ids: Collection[int]) -> None:
    """Forget claims of which nothing is left to be recorded. In the recording transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [list(claim_ids)])


def lost() -> Sequence[int]:
    """Lock claims whose worker is gone, up to ``AT_ONCE``; their ids.

    That is where the lease ran out, or at once where the process was one of this host's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SPARE, {"lease": settings.LEASE_SECONDS, "late": LATE})
        cursor.execute(_LOST, [settings.LEASE_SECONDS, _ended(cursor), AT_ONCE])
        return [claim_id for (claim_id,) in cursor.fetchall()]


def _ended(cursor: Any) -> list[str]:
    """Workers with claims that were processes of this host, and do not run any more."""
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
    """This process: its host, its namespace of process ids (where there are such), its own."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:  # no Linux: leases say who is gone
        namespace = random.getrandbits(32)
    return f"{socket.gethostname()[:150]}/{namespace}/{os.getpid()}"
