"""Idempotency keys: publish once under one (draft-ietf-httpapi-idempotency-key-header-07).

A key is checked in the transaction that accepts its request: ``lookups`` runs ``CHECK``, and
``KeysFound`` decides. The row of a key is written by the statement that accepts the notifications,
so a key is stored if and only if its request was accepted.
"""

import hashlib
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from apps.core import arrays

LONGEST_KEY = 255
#: A valid key: printable ASCII, since a header carries nothing else reliably (RFC 9110, 5.5).
KEY = re.compile(rf"[!-~](?:[ -~]{{0,{LONGEST_KEY - 2}}}[!-~])?")
#: Seconds for which a second request waits for the first one with its key, before it gets 409.
SHORT_WAIT = 0.2
#: The same for up to ``LONG_WAITERS`` requests of a process at a time, which may hold a thread.
LONG_WAIT = 2.0
LONG_WAITERS = 2
#: Query the answers of keys, and try to lock each key without one until the transaction ends. Goes
#: into the statement of ``lookups``. A failed try says that another request is under way.
CHECK = """
SELECT 'key', k.publisher_id, k.key, kept.fingerprint,
       coalesce(kept.status::text, pg_try_advisory_xact_lock(k.lock)::text),
       ARRAY[kept.answer::text]
  FROM unnest(%(owners)s::bigint[], %(keys)s::text[], %(locks)s::bigint[])
    AS k (publisher_id, key, lock)
  LEFT JOIN delivery_idempotencykey kept USING (publisher_id, key)
"""


class KeyReused(Exception):
    """The key was used for a request with another path or body."""


class StillInFlight(Exception):
    """The first request with this key is still under way."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request that publishes; each request with its key gets the same.

    ``body`` is JSON. ``replayed``: whether it was stored by an earlier request.
    """

    status: int
    body: bytes
    replayed: bool = False


def fingerprint(path: str, body: object) -> bytes:
    """Hash a request to 32 bytes. The order of JSON members does not matter."""
    return hashlib.sha256(
        path.encode() + b"\n" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    ).digest()


def lock(publisher_id: int, key: str) -> int:
    """Return the number of a key's advisory lock, of 64 bits: no two keys share one in practice."""
    named = f"idempotency\n{publisher_id}\n{key}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big", signed=True)


class Key(NamedTuple):
    """An idempotency key of a request, with the request's fingerprint."""

    publisher_id: int
    key: str
    fingerprint: bytes


class StoredAnswer(NamedTuple):
    """The row of an idempotency key."""

    fingerprint: bytes
    status: int
    answer: str

    def answer_to(self, fingerprint: bytes) -> Answer:
        """Return the first answer again. Raises ``KeyReused`` for another request."""
        if self.fingerprint != fingerprint:
            raise KeyReused
        return Answer(self.status, orjson.dumps(orjson.loads(self.answer)), replayed=True)


@dataclass(slots=True)
class KeysFound:
    """The result of ``CHECK``: what requests with these keys may do in this transaction.

    - ``answered``: keys that have an answer, by publisher and key.
    - ``free``: keys that this transaction has locked and may use.

    For any other key the first request is under way.
    """

    answered: dict[tuple[int, str], StoredAnswer] = field(default_factory=dict)
    free: set[tuple[int, str]] = field(default_factory=set)

    def add(
        self, publisher_id: int, key: str, fingerprint: bytes | None, text: str, words: list[str]
    ) -> None:
        """Add a row of ``CHECK``."""
        if fingerprint is not None:
            self.answered[publisher_id, key] = StoredAnswer(bytes(fingerprint), int(text), words[0])
        elif text == "true":
            self.free.add((publisher_id, key))

    def take(self, key: Key) -> bool:
        """Return whether a request may use its key; of two in one group, only the first may."""
        try:
            self.free.remove(key[:2])
        except KeyError:
            return False
        return True

    def answer(self, key: Key) -> Answer | None:
        """Return the stored answer of a key, or ``None``.

        Raises ``KeyReused`` where another request used the key.
        """
        kept = self.answered.get(key[:2])
        return None if kept is None else kept.answer_to(key.fingerprint)


def parameters(keys: Sequence[Key]) -> dict[str, str]:
    """Return the parameters of ``CHECK``."""
    return {
        "owners": arrays.numbers(key.publisher_id for key in keys),
        "keys": arrays.texts(key.key for key in keys),
        "locks": arrays.numbers(lock(key.publisher_id, key.key) for key in keys),
    }


class InFlightWait:
    """Bounded waits of a request for the first one with its key.

    Any request waits for ``SHORT_WAIT``, and ``LONG_WAITERS`` in each process for ``LONG_WAIT``, so
    that repeated requests cannot occupy all threads.
    """

    _long_waiters = threading.BoundedSemaphore(LONG_WAITERS)

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._pause = 0.005
        self._waits_long = False

    def __enter__(self) -> "InFlightWait":
        return self

    def __exit__(self, *error: object) -> None:
        if self._waits_long:
            self._long_waiters.release()

    def wait(self) -> None:
        """Sleep a little. Raises ``StillInFlight`` when the time is over."""
        waited = time.monotonic() - self._begun
        if waited > SHORT_WAIT and not self._waits_long:
            self._waits_long = self._long_waiters.acquire(blocking=False)
            if not self._waits_long:
                raise StillInFlight
        if waited > LONG_WAIT:
            raise StillInFlight
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, 0.1)
