"""Read what a transaction that accepts needs, in one statement.

That is: idempotency keys, recipients, the day's counts and the database's time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection

from apps.core import arrays, clock
from apps.delivery.intake import idempotency
from apps.delivery.intake.idempotency import Key, KeysFound
from apps.preferences import selectors
from apps.preferences.selectors import Reached
from apps.publishers import daily_quota
from apps.publishers.daily_quota import Account


@dataclass(slots=True)
class Found:
    """The result of ``read``.

    - ``now``: the database's time.
    - ``keys``: which idempotency keys have an answer, and which are free.
    - ``people``: recipients by ``user_id``.
    - ``used``: notifications accepted today.
    """

    now: datetime
    keys: KeysFound = field(default_factory=KeysFound)
    people: dict[str, Reached] = field(default_factory=dict)
    used: dict[Account, int] = field(default_factory=dict)


_NOW = """
SELECT 'now' AS kind, NULL::bigint AS number, NULL::text AS name, NULL::bytea AS fingerprint,
       extract(epoch FROM clock_timestamp())::text AS text, NULL::text[] AS words
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
        parts.append(idempotency.CHECK)
    if user_ids:
        parts.append(_PEOPLE)
    if publisher_ids:
        parts.append(_USED)
    values: Mapping[str, str | list[str]] = {
        **idempotency.parameters(keys),
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
            case "key":
                found.keys.add(number, name, fingerprint, text, words)
            case "person":
                found.people[name] = Reached(number, frozenset(words))
            case "used":
                found.used[Account(number, name == "true")] = int(text)
    return found
