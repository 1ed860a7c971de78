"""Idempotency keys: publish once under one (draft-ietf-httpapi-idempotency-key-header-07).

The row of a key is written by the statement that accepts the notifications, so a key is stored if
and only if its request was accepted.
"""

import hashlib
import re
import threading
import time
from dataclasses import dataclass

import orjson

LONGEST_KEY = 255
#: A valid key: printable ASCII, since a header carries nothing else reliably (RFC 9110, 5.5).
KEY = re.compile(rf"[!-~](?:[ -~]{{0,{LONGEST_KEY - 2}}}[!-~])?")
#: Seconds for which a second request waits for the first one with its key, before it gets 409: any
#: request ``MOMENT``, and ``FEW`` of a process at a time ``WAIT``.
MOMENT, WAIT, FEW = 0.2, 2.0, 2


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


class InFlightWait:
    """Bounded waits of a request for the first one with its key.

    Any request waits for ``MOMENT``, and ``FEW`` in each process for ``WAIT``, so that repeated
    requests cannot occupy all threads.
    """

    _few = threading.BoundedSemaphore(FEW)

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._pause = 0.005
        self._one_of_few = False

    def __enter__(self) -> "InFlightWait":
        return self

    def __exit__(self, *error: object) -> None:
        if self._one_of_few:
            self._few.release()

    def wait(self) -> None:
        """Sleep a little. Raises ``StillInFlight`` when the time is over."""
        waited = time.monotonic() - self._begun
        if waited > MOMENT and not self._one_of_few:
            self._one_of_few = self._few.acquire(blocking=False)
            if not self._one_of_few:
                raise StillInFlight
        if waited > WAIT:
            raise StillInFlight
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, 0.1)
