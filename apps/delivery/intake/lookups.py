"""Read what a transaction that accepts needs, in one statement.

That is: idempotency keys, recipients, the day's counts and the database's time.
"""

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
from apps.publishers import daily_quota
from apps.publishers.daily_quota import Account


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
class Found:
    """The result of ``read``.

    - ``now``: the database's time.
    - ``answered``: idempotency keys that have an answer, and ``free``: those that this transaction
      has locked and may use, by publisher and key. For any other key the first request is under
      way.
    - ``people``: recipients by ``user_id``.
    - ``used``: notifications accepted today.
    """

    now: datetime
    answered: dict[tuple[int, str], StoredAnswer] = field(default_factory=dict)
    free: set[tuple[int, str]] = field(default_factory=set)
    people: dict[str, Reached] = field(default_factory=dict)
    used: dict[Account, int] = field(default_factory=dict)


_NOW = """
SELECT 'now' AS kind, NULL::bigint AS number, NULL::text AS name, NULL::bytea AS fingerprint,
       extract(epoch FROM clock_timestamp())::text AS text, NULL::text[] AS words
"""
# A failed try of the lock says that another request is under way. Answered keys are not locked.
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
SELECT 'used', publisher_id, high::text, NULL, number::text, NULL FROM ({daily_quota.USED}) q
"""


def read(
    keys: Sequence[Key], user_ids: Collection[str] = (), publisher_ids: Collection[int] = ()
) -> Found:
    """Read it all, and try to lock each key that has no answer yet.

    Runs in the caller's transaction, which holds the locks until its end.
    """
    parts = [_NOW]
    if keys:
        parts.append(_KEYS)
    if user_ids:
        parts.append(_PEOPLE)
    if publisher_ids:
        parts.append(_USED)
    values: Mapping[str, str | list[str]] = {
        "owners": arrays.numbers(key.publisher_id for key in keys),
        "keys": arrays.texts(key.key for key in keys),
        "locks": arrays.numbers(idempotency.lock(key.publisher_id, key.key) for key in keys),
        "user_ids": list(user_ids),
        "publisher_ids": arrays.numbers(publisher_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        rows = cursor.fetchall()
    found = Found(datetime.fromtimestamp(clock.now(), UTC))
    for kind, number, name, fingerprint, text, words in rows:
        match kind:
            case "now":
                clock.synchronize(float(text))
                found.now = datetime.fromtimestamp(float(text), UTC)
            case "key" if fingerprint is not None:
                found.answered[number, name] = StoredAnswer(bytes(fingerprint), int(text), words[0])
            case "key" if text == "true":
                found.free.add((number, name))
            case "person":
                found.people[name] = Reached(number, frozenset(words))
            case "used":
                found.used[Account(number, name == "true")] = int(text)
    return found
