"""Publishing once under one Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07).

The key's row is written in the transaction that accepts the notifications, so a key is kept if
and only if what it stands for was accepted.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection, transaction

LONGEST_KEY = 255
#: Seconds a second request waits for the first with its key to end before it gets 409: everyone
#: a moment, and so many of a process at a time for longer.
MOMENT, WAIT, FEW = 0.2, 2.0, 2


class KeyReused(Exception):
    """The same key came with another body."""


class StillInFlight(Exception):
    """The first request with this key has not ended yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a publishing request is answered with; the same for every request with its key."""

    status: int
    body: Any
    replayed: bool = False


def fingerprint(path: str, body: Any) -> bytes:
    """32 bytes that are equal for equal requests, whatever the order of their members."""
    return hashlib.sha256(
        path.encode() + b"\n" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    ).digest()


# The lock says that somebody is at it and is not waited for. An id for the row is used up only
# where there is none yet.
_CLAIM = """
WITH kept AS (
    SELECT fingerprint, status, answer FROM delivery_idempotencykey
     WHERE publisher_id = %(publisher_id)s AND key = %(key)s
), made AS (
    INSERT INTO delivery_idempotencykey (publisher_id, key, fingerprint, status, created_at)
    SELECT %(publisher_id)s, %(key)s, %(fingerprint)s, 0, clock_timestamp()
     WHERE NOT EXISTS (SELECT FROM kept)
       AND (SELECT pg_try_advisory_xact_lock(%(lock)s))
    ON CONFLICT (publisher_id, key) DO NOTHING
    RETURNING 1
)
SELECT true, NULL, NULL, NULL FROM made
UNION ALL
SELECT false, fingerprint, status, answer FROM kept
"""


_KEEP = """
UPDATE delivery_idempotencykey SET status = %s, answer = %s
 WHERE publisher_id = %s AND key = %s
"""


def once(publisher_id: int, key: str | None, request: bytes, act: Callable[[], Answer]) -> Answer:
    """Run ``act`` in one transaction, unless ``key`` has run already: then its answer again.

    ``request`` is the request's fingerprint. ``key`` of ``None`` always runs. Raises
    ``KeyReused`` and ``StillInFlight``; whatever ``act`` raises leaves no trace of the key.
    """
    if key is None:
        with transaction.atomic():
            return act()
    with _Patience() as patience:
        while True:
            answer = _first_or_kept(publisher_id, key, request, act)
            if answer is not None:
                return answer
            connection.close()  # back to the pool while we wait
            patience.wait()


def _first_or_kept(
    publisher_id: int, key: str, request: bytes, act: Callable[[], Answer]
) -> Answer | None:
    """``None`` while the first request with the key is in flight."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                {
                    "publisher_id": publisher_id,
                    "key": key,
                    "fingerprint": request,
                    "lock": _lock(publisher_id, key),
                },
            )
            row = cursor.fetchone()
        if row is None:
            return None
        first, fingerprint, status, kept = row
        if first:
            answer = act()
            with connection.cursor() as cursor:
                said = orjson.dumps(answer.body).decode()
                cursor.execute(_KEEP, [answer.status, said, publisher_id, key])
            return answer
    if bytes(fingerprint) != request:
        raise KeyReused
    return Answer(status, orjson.loads(kept), replayed=True)


def _lock(publisher_id: int, key: str) -> int:
    """The advisory lock of a key: 64 bits, so that two keys never share one but by wonder."""
    named = f"idempotency\n{publisher_id}\n{key}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big", signed=True)


class _Patience:
    """How long a request waits for the first with its key: a moment, and a few in each process
    for longer. Thousands of them must not keep every thread from other publishers."""

    _few = threading.BoundedSemaphore(FEW)

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._pause = 0.005
        self._one_of_few = False

    def __enter__(self) -> "_Patience":
        return self

    def __exit__(self, *error: object) -> None:
        if self._one_of_few:
            self._few.release()

    def wait(self) -> None:
        """Sleep a little. Raises ``StillInFlight`` when patience is over."""
        waited = time.monotonic() - self._begun
        if waited > MOMENT and not self._one_of_few:
            self._one_of_few = self._few.acquire(blocking=False)
            if not self._one_of_few:
                raise StillInFlight
        if waited > WAIT:
            raise StillInFlight
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, 0.1)
