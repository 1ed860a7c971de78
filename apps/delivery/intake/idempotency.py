"""Publishing once under one Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07).

The key's row is written by the statement that accepts the notifications, so a key is kept if and
only if what it stands for was accepted.
"""

import hashlib
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

import orjson

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
    """What a publishing request is answered with; the same for every request with its key.

    ``body`` is JSON.
    """

    status: int
    body: bytes
    replayed: bool = False


def fingerprint(path: str, body: Any) -> bytes:
    """32 bytes that are equal for equal requests, whatever the order of their members."""
    return hashlib.sha256(
        path.encode() + b"\n" + orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    ).digest()


def lock(publisher_id: int, key: str) -> int:
    """The advisory lock of a key: 64 bits, so that two keys never share one but by wonder."""
    named = f"idempotency\n{publisher_id}\n{key}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big", signed=True)


class Patience:
    """How long a request waits for the first with its key: a moment, and a few in each process
    for longer. Thousands of them must not keep every thread from other publishers."""

    _few = threading.BoundedSemaphore(FEW)

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._pause = 0.005
        self._one_of_few = False

    def __enter__(self) -> "Patience":
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
