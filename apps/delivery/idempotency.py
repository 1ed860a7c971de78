"""Publishing once under one Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07).

The key's row is written in the transaction that accepts the notifications, so a key is kept if
and only if what it stands for was accepted.
"""

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection, transaction

LONGEST_KEY = 255
#: What a key may be: printable ASCII, since a header carries nothing else reliably (RFC 9110, 5.5).
KEY = re.compile(rf"[!-~](?:[ -~]{{0,{LONGEST_KEY - 2}}}[!-~])?")
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


# The lock says that somebody is at it and is not waited for; what is kept takes none.
_LOOK = """
SELECT kept.fingerprint, kept.status, kept.answer,
       CASE WHEN kept.key IS NULL THEN pg_try_advisory_xact_lock(%(lock)s) ELSE false END
  FROM (VALUES (%(publisher_id)s, %(key)s)) AS asked (publisher_id, key)
  LEFT JOIN delivery_idempotencykey kept USING (publisher_id, key)
"""
_KEEP = """
INSERT INTO delivery_idempotencykey (publisher_id, key, fingerprint, status, answer, created_at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp())
ON CONFLICT (publisher_id, key) DO NOTHING
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
    """``None`` while the first request with the key is in flight, or has ended just now."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    _LOOK,
                    {"publisher_id": publisher_id, "key": key, "lock": _lock(publisher_id, key)},
                )
                fingerprint, status, kept, first = cursor.fetchone()
            if first:
                answer = act()
                _keep(publisher_id, key, request, answer)
                return answer
    except _KeptMeanwhile:
        return None
    if fingerprint is None:
        return None
    if bytes(fingerprint) != request:
        raise KeyReused
    return Answer(status, orjson.loads(kept), replayed=True)


class _KeptMeanwhile(Exception):
    """The first request ended between our look at the key and our taking its lock."""


def _keep(publisher_id: int, key: str, request: bytes, answer: Answer) -> None:
    said = orjson.dumps(answer.body).decode()
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [publisher_id, key, request, answer.status, said])
        if not cursor.rowcount:
            raise _KeptMeanwhile  # all that ``act`` did is rolled back


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
