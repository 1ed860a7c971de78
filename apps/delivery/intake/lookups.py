"""What a transaction that accepts reads first, in one statement: keys, recipients, the day's counts
and the time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from django.db import connection

from apps.core import arrays, clock
from apps.delivery.intake import idempotency
from apps.delivery.intake.idempotency import Answer, KeyReused
from apps.preferences import selectors
from apps.preferences.selectors import Reached
from apps.publishers import quota
from apps.publishers.quota import Account


class Key(NamedTuple):
    """An idempotency key that was sent, with the fingerprint of its request."""

    publisher_id: int
    key: str
    request: bytes


class Kept(NamedTuple):
    """A key's row."""

    fingerprint: bytes
    status: int
    answer: str

    def answer_to(self, request: bytes) -> Answer:
        """The first answer again. Raises ``KeyReused`` for another request."""
        if self.fingerprint != request:
            raise KeyReused
        return Answer(self.status, orjson.dumps(orjson.loads(self.answer)), replayed=True)


@dataclass(slots=True)
class Seen:
    """``kept`` are the keys that have an answer, ``free`` those that are this transaction's to use;
    of the others the first request is under way. Keys by publisher and key.

    ``people`` by ``user_id``; ``used``: notifications accepted today.
    """

    now: datetime
    kept: dict[tuple[int, str], Kept] = field(default_factory=dict)
    free: set[tuple[int, str]] = field(default_factory=set)
    people: dict[str, Reached] = field(default_factory=dict)
    used: dict[Account, int] = field(default_factory=dict)


_NOW = """
SELECT 'now' AS kind, NULL::bigint AS number, NULL::text AS name, NULL::bytea AS fingerprint,
       extract(epoch FROM clock_timestamp())::text AS text, NULL::text[] AS words
"""
# The lock says that another is at it and is not waited for; what is kept takes none.
_KEYS = """
SELECT 'key', k.publisher_id, k.key, kept.fingerprint,
       coalesce(kept.status::text, pg_try_advisory_xact_lock(k.lock)::text),
       ARRAY[kept.answer::text]
  FROM unnest(%(owners)s::bigint[], %(keys)s::text[], %(locks)s::bigint[])
    AS k (publisher_id, key, lock)
  LEFT JOIN delivery_idempotencykey kept USING (publisher_id, key)
"""
_PEOPLE = f"""
SELECT 'person', id, user_id, NULL, NULL, channels FROM ({selectors.REACHED}) r
"""
_USED = f"""
SELECT 'used', publisher_id, high::text, NULL, number::text, NULL FROM ({quota.USED}) q
"""


def look(
    keys: Sequence[Key], user_ids: Collection[str] = (), publisher_ids: Collection[int] = ()
) -> Seen:
    """Read all of it, and take the lock of each key that has no answer yet.

    In the caller's transaction, which holds the locks until its end.
    """
    parts = [_NOW]
    if keys:
        parts.append(_KEYS)
    if user_ids:
        parts.append(_PEOPLE)
    if publisher_ids:
        parts.append(_USED)
    values: Mapping[str, object] = {
        "owners": arrays.numbers(key.publisher_id for key in keys),
        "keys": arrays.texts(key.key for key in keys),
        "locks": arrays.numbers(idempotency.lock(key.publisher_id, key.key) for key in keys),
        "user_ids": list(user_ids),
        "publisher_ids": arrays.numbers(publisher_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        rows = cursor.fetchall()
    seen = Seen(datetime.fromtimestamp(clock.now(), UTC))
    for kind, number, name, fingerprint, text, words in rows:
        match kind:
            case "now":
                clock.synchronize(float(text))
                seen.now = datetime.fromtimestamp(float(text), UTC)
            case "key" if fingerprint is not None:
                seen.kept[number, name] = Kept(bytes(fingerprint), int(text), words[0])
            case "key" if text == "true":
                seen.free.add((number, name))
            case "person":
                seen.people[name] = Reached(number, frozenset(words))
            case "used":
                seen.used[Account(number, name == "true")] = int(text)
    return seen
