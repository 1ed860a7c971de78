"""Publishing once under one Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07).

The key's row is written in the transaction that accepts the notifications, so a key is kept if
and only if what it stands for was accepted.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from apps.delivery.models import IdempotencyKey

LONGEST_KEY = 255
#: How long a second request waits for the first with its key to end before it gets 409.
WAIT = "2s"


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


def once(publisher_id: int, key: str | None, request: bytes, act: Callable[[], Answer]) -> Answer:
    """Run ``act`` in one transaction, unless ``key`` has run already: then its answer again.

    ``request`` is the request's fingerprint. ``key`` of ``None`` always runs. Raises
    ``KeyReused`` and ``StillInFlight``; whatever ``act`` raises leaves no trace of the key.
    """
    if key is None:
        with transaction.atomic():
            return act()
    with transaction.atomic():
        if not _claim(publisher_id, key, request):
            return _first_answer(publisher_id, key, request)
        answer = act()
        IdempotencyKey.objects.filter(publisher_id=publisher_id, key=key).update(
            status=answer.status, answer=answer.body
        )
        return answer


def _claim(publisher_id: int, key: str, request: bytes) -> bool:
    """Whether this request is the first with the key; waits for one in flight."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WAIT])
        try:
            cursor.execute(
                "INSERT INTO delivery_idempotencykey "
                "(publisher_id, key, fingerprint, status, created_at) VALUES (%s, %s, %s, 0, %s) "
                "ON CONFLICT (publisher_id, key) DO NOTHING",
                [publisher_id, key, request, timezone.now()],
            )
        except OperationalError as error:
            # 55P03 lock_not_available: the row of the first request is not committed yet.
            if getattr(error.__cause__, "pgcode", None) == "55P03":
                raise StillInFlight from error
            raise
        first = cursor.rowcount == 1
        cursor.execute("SELECT set_config('lock_timeout', '10s', true)")
    return first


def _first_answer(publisher_id: int, key: str, request: bytes) -> Answer:
    stored = IdempotencyKey.objects.get(publisher_id=publisher_id, key=key)
    if bytes(stored.fingerprint) != request:
        raise KeyReused
    return Answer(stored.status, stored.answer, replayed=True)
