"""Counts that are kept as deliveries move, so that nothing has to count rows.

``StateCount`` by notification, ``HourCount`` by publisher and topic, ``MinuteCount`` by provider.
Each statement locks its rows in the order of their keys, and a transaction executes each statement
once and in the same order as all others, so that none deadlock.

Deliveries never wait for counts: where a table of counts is locked (an index is being built on it,
say), moves are put into ``PendingCount`` in the same transaction, and counted once it is free.
"""

import logging
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction

from apps.core import arrays
from notifier.domain.histograms import BUCKETS

log = logging.getLogger(__name__)
T = TypeVar("T")
#: A move to count: the notification, the channel and a state.
MoveKey = tuple[UUID | str, str, str]
#: Number of moves into each state, less those out of it.
Moves = Counter[MoveKey]
#: Numbers by channel, provider, outcome, reason, and what they are of: the place of a call's
#: duration, or of the wait for it, in ``MinuteCount.latencies``; or ``ARRIVED``.
Attempts = Counter[tuple[str, str, str, str, int]]
#: In place of a latency: messages that arrived.
ARRIVED = -1

#: Rows over which each count is spread, so that claims recorded together do not wait for one row.
SLOTS = 8

# A notification to one recipient has no rows of its own: they would outnumber its deliveries. Usage
# counts only what was published, not confirmations and status events. LIMIT forces a look-up by key
# for each notification: without statistics (a fresh installation) PostgreSQL would read the whole
# table to join.
_COUNT = """
WITH moved AS MATERIALIZED (
    SELECT m.*, n.publisher_id, n.topic_id, n.kind, n.counts_kept
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::smallint[], %s::bigint[])
        AS m (notification_id, channel, state, slot, count)
     CROSS JOIN LATERAL (SELECT publisher_id, topic_id, kind, counts_kept
                           FROM delivery_notification
                          WHERE id = m.notification_id AND id BETWEEN %s::uuid AND %s::uuid
                          LIMIT 1) n
), counted AS (
    INSERT INTO delivery_statecount (notification_id, channel, state, slot, count)
    SELECT notification_id, channel, state, slot, count FROM moved WHERE counts_kept
    ON CONFLICT (notification_id, channel, state, slot)
    DO UPDATE SET count = delivery_statecount.count + excluded.count
)
INSERT INTO delivery_hourcount (publisher_id, topic_id, hour, channel, state, slot, count)
SELECT publisher_id, coalesce(topic_id, 0), date_trunc('hour', clock_timestamp(), 'UTC'),
       channel, state, slot, sum(count)
  FROM moved
 WHERE kind = 'published'
 GROUP BY 1, 2, 3, 4, 5, 6
 ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (publisher_id, topic_id, hour, channel, state, slot)
DO UPDATE SET count = delivery_hourcount.count + excluded.count
"""

# Latencies are added element by element; either may be null, or shorter than the other.
_COUNT_ATTEMPTS = """
INSERT INTO delivery_minutecount AS m (minute, channel, provider, outcome, reason, slot, count,
                                       delivered, latencies)
SELECT date_trunc('minute', clock_timestamp(), 'UTC'), channel, provider, outcome, reason, slot,
       count, delivered, latencies::int[]
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::smallint[], %s::bigint[],
              %s::bigint[], %s::text[])
    AS a (channel, provider, outcome, reason, slot, count, delivered, latencies)
ON CONFLICT (minute, channel, provider, outcome, reason, slot)
DO UPDATE SET count = m.count + excluded.count, delivered = m.delivered + excluded.delivered,
              latencies = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
                                  FROM unnest(m.latencies, excluded.latencies) AS u (a, b))
"""


#: Longest wait of a statement for a lock, after which its moves are put aside.
_PATIENCE = "SET LOCAL lock_timeout = '500ms';"
_LOCK_NOT_AVAILABLE = "55P03"
#: Seconds after that for which this process puts moves aside without trying.
BLOCKED_SECONDS = 5.0
#: Most moves put aside that one transaction counts.
PENDING_AT_ONCE = 5_000

_PUT_ASIDE = """
INSERT INTO delivery_pendingcount (notification_id, channel, state, count)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[])
"""
_TAKE_UP = """
DELETE FROM delivery_pendingcount WHERE id = ANY(ARRAY(
    SELECT id FROM delivery_pendingcount ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING notification_id, channel, state, count
"""


class CountsLocked(Exception):
    """A table of counts is locked. The transaction has failed, and will succeed if repeated."""


class _Blocked:
    """The period in which this process puts moves aside, and the attempts not counted in it.

    ``until``: its end, in monotonic seconds.
    """

    def __init__(self) -> None:
        self.until = 0.0
        self.attempts: Attempts = Counter()
        self.lock = threading.Lock()

    def __bool__(self) -> bool:
        return time.monotonic() < self.until


_blocked = _Blocked()


class _Repeated(threading.local):
    """A flag of each thread that runs in ``retry_when_locked``."""

    now = False


_repeated = _Repeated()


def retry_when_locked(act: Callable[[], T]) -> T:
    """Call ``act``, which runs its own transaction, and once more where counts are locked.

    Returns the result of ``act``. For callers that count a thousand times a minute: without it each
    count costs a savepoint.
    """
    _repeated.now = True
    try:
        return act()
    except CountsLocked:
        return act()
    finally:
        _repeated.now = False


def add(moves: Moves) -> None:
    """Count moves by (notification, channel, state), positive into a state, negative out of it.

    Raises ``CountsLocked`` inside ``retry_when_locked`` where a table of counts is locked.
    """
    changed = sorted((key, change) for key, change in moves.items() if change)
    if not changed:
        return
    if not _blocked:
        try:
            _count(_COUNT, [*_columns(changed), changed[0][0][0], changed[-1][0][0]])
        except CountsLocked:
            if _repeated.now:
                raise
        else:
            return
    put_aside(changed)


def add_attempts(attempts: Attempts) -> None:
    """Count attempts of this minute.

    Raises ``CountsLocked`` where their table is locked.
    """
    if not attempts:
        return
    with _blocked.lock:
        if _blocked:
            _blocked.attempts.update(attempts)
            return
        before, _blocked.attempts = _blocked.attempts, Counter()
    try:
        _count(_COUNT_ATTEMPTS, _attempts(before + attempts))
    except BaseException:  # ``attempts`` come again, with the transaction
        with _blocked.lock:
            _blocked.attempts.update(before)
        raise


def add_arrivals(arrivals: Iterable[tuple[str, str]]) -> None:
    """Count deliveries of this minute of which a receipt says that they arrived.

    Each is its channel and provider. Where the table is locked, they are counted with attempts.
    """
    found: Attempts = Counter(
        (channel, provider, "accepted", "", ARRIVED) for channel, provider in arrivals
    )
    try:
        add_attempts(found)
    except CountsLocked:
        with _blocked.lock:
            _blocked.attempts.update(found)


def put_aside(changed: Sequence[tuple[MoveKey, int]]) -> None:
    """Store moves that are to be counted later."""
    keys, numbers = zip(*changed, strict=True)
    notifications, channels, states = zip(*keys, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT_ASIDE,
            [
                arrays.texts(map(str, notifications)),
                arrays.texts(channels),
                arrays.texts(states),
                arrays.numbers(numbers),
            ],
        )


def count_pending() -> int:
    """Count moves that were put aside; return how many: 0 while the tables are still locked."""
    if _blocked:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE_UP, [PENDING_AT_ONCE])
        moves: Moves = Counter()
        rows = cursor.fetchall()
        for notification_id, channel, state, count in rows:
            moves[str(notification_id), channel, state] += count
        add(moves)
    return len(rows)


def _count(statement: str, columns: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        try:
            with nullcontext() if _repeated.now else transaction.atomic():
                cursor.execute(_PATIENCE + statement, columns)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                raise
            log.warning("a table of counts is locked; moves are counted later")
            _blocked.until = time.monotonic() + BLOCKED_SECONDS
            raise CountsLocked from error


def _columns(counted: Sequence[tuple[tuple[object, ...], int]]) -> list[list[object]]:
    """Return the columns of a statement: the parts of the keys, one random slot, the numbers."""
    keys, numbers = zip(*counted, strict=True)
    slot = random.randrange(SLOTS)
    return [*map(list, zip(*keys, strict=True)), [slot] * len(keys), list(numbers)]


class _Row:
    """Numbers to add to a row of ``MinuteCount``."""

    __slots__ = ("count", "delivered", "latencies")

    def __init__(self) -> None:
        self.count = self.delivered = 0
        self.latencies: list[int] | None = None

    def add(self, place: int, number: int) -> None:
        """Add a number of what is at this place: each call has one duration."""
        if place == ARRIVED:
            self.delivered += number
            return
        if place < BUCKETS:
            self.count += number
        found = self.latencies or [0] * BUCKETS
        if place >= len(found):
            found += [0] * BUCKETS
        found[place] += number
        self.latencies = found


def _attempts(attempts: Attempts) -> list[object]:
    """Return the columns of ``_COUNT_ATTEMPTS``, sorted by key."""
    found: defaultdict[tuple[str, str, str, str], _Row] = defaultdict(_Row)
    for (channel, provider, outcome, reason, place), number in attempts.items():
        found[channel, provider, outcome, reason].add(place, number)
    keys, rows = zip(*sorted(found.items(), key=lambda item: item[0]), strict=True)
    slot = random.randrange(SLOTS)
    return [
        *map(list, zip(*keys, strict=True)),
        [slot] * len(rows),
        [row.count for row in rows],
        [row.delivered for row in rows],
        arrays.lists(row.latencies for row in rows),
    ]
