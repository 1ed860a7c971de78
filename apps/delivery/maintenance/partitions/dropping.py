"""Drop the partitions of days whose records are over their retention.

What is to be kept (it was scheduled for later, has work left, or a rule keeps it for longer) moves
to the tables' ``rest`` in the same transaction, and is deleted from there in its time. A day of
which more than ``MOST_KEPT`` deliveries are to be kept keeps its partitions: its other rows are
deleted one by one.
"""

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.core import arrays
from apps.core.processes import progress
from apps.delivery.maintenance.partitions import locks, tables
from apps.delivery.maintenance.partitions.tables import TABLES, PartitionedTable
from apps.delivery.outbox import partition_names

log = logging.getLogger(__name__)

#: Most deliveries that are moved out of a day's partition while all statements wait for it.
MOST_KEPT = 1_000
#: Seconds for which the locks of one day are tried.
LONGEST = 30.0
#: Seconds for which the locks are held at most, while all statements wait for them, and seconds
#: for what is read before.
UNDER_LOCKS, READING = 0.1, 30.0
#: Seconds for which they are held at most for a day that would else stay for ever.
UNDER_LOCKS_OVERDUE = 2.0
#: Rows that one statement deletes of a table without partitions.
AT_ONCE = 10_000
#: Longest time of such a statement, and its longest wait for a lock.
STEP, STEP_WAITS = "60s", "1s"
#: The end of a partition's name once it is taken out of its table.
_GONE = "_gone"


class Span(NamedTuple):
    """The days whose rows a partition has: from ``begin`` to before ``end``.

    ``begin`` is ``None`` for the rows that were there before the tables were partitioned.
    """

    begin: date | None
    end: date

    def partition(self, table: PartitionedTable) -> str:
        """Return the name of the table's partition."""
        return table.before if self.begin is None else table.of_day(self.begin)


def ended(by: date) -> list[Span]:
    """Return the spans of partitions that end by a day, the oldest first."""
    if not tables.all_partitioned():
        return []
    with connection.cursor() as cursor:
        names = tables.attached(cursor)
        there = partition_names.of_days(cursor, TABLES[0].name)
        end = tables.end_of_before(cursor)
    spans = [Span(day, day + timedelta(days=1)) for day in there]
    if end is not None:
        spans.insert(0, Span(None, end))
    return [
        span
        for span in spans
        if span.end <= by and all(span.partition(table) in names for table in TABLES)
    ]


# True if a delivery that was not to be kept has work again: somebody redrove it meanwhile. Two
# statements, since none of them may read the partition without an index.
_AWAKE = (
    """
SELECT EXISTS (SELECT FROM {partition} d
                WHERE d.next_attempt_at IS NOT NULL AND NOT d.notification_id = ANY(%s::uuid[]))
""",
    """
SELECT EXISTS (SELECT FROM delivery_claim c JOIN {partition} d ON d.chunk_id = c.id
                WHERE NOT d.notification_id = ANY(%s::uuid[]))
""",
)


class Awake(Exception):
    """Something of a day that was to be dropped has work again, or more of it is to be kept."""


def drop(span: Span, kept: Collection[UUID], *, overdue: bool = False) -> None:
    """Drop the partitions of ended days, all but these notifications and what belongs to them.

    Those that are ``overdue`` have ``UNDER_LOCKS_OVERDUE`` in place of ``UNDER_LOCKS``.

    Raises ``Awake`` where something else of them has work by now, ``locks.Busy`` where a
    transaction has had a lock on one of the tables each time, and ``locks.Slow`` where it has taken
    longer than that; nothing has changed then.
    """
    under_locks = UNDER_LOCKS_OVERDUE if overdue else UNDER_LOCKS
    partitions = {table: span.partition(table) for table in TABLES}
    for one in locks.tries(LONGEST):
        with one.transaction(limited=True) as cursor:
            # Another process may have taken them out, before or until the locks are there.
            if _are_there(cursor, partitions):
                _read(_Limited(cursor, READING), partitions, kept)
                locks.lock(cursor, [table.name for table in TABLES])
                if _are_there(cursor, partitions):
                    _detach(_Limited(cursor, under_locks), partitions, kept)
    log.info("took out the partitions of %s; %d notifications are kept", span, len(kept))
    drop_detached()


def _are_there(cursor: CursorWrapper, partitions: dict[PartitionedTable, str]) -> bool:
    return set(partitions.values()) <= tables.attached(cursor)


class _Limited:
    """A cursor whose statements have so many seconds together."""

    def __init__(self, cursor: CursorWrapper, seconds: float) -> None:
        self._cursor = cursor
        self._until = time.monotonic() + seconds

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement in the time that is left; return its rows."""
        left = max(1, round((self._until - time.monotonic()) * 1000))
        self._cursor.execute(f"SET LOCAL statement_timeout = {left}; {statement}", values)
        return self._cursor.fetchall() if self._cursor.description else []


def _read(
    cursor: _Limited, partitions: dict[PartitionedTable, str], kept: Collection[UUID]
) -> None:
    """Read what is to be looked at and moved, so that it is in memory once the locks are there."""
    deliveries = _deliveries(cursor, partitions, kept)
    for table, partition in partitions.items():
        condition, keys = _of(table, deliveries, kept)
        cursor.execute(f"SELECT sum(length(p::text)) FROM {partition} p WHERE {condition}", [keys])


def _deliveries(
    cursor: _Limited, partitions: dict[PartitionedTable, str], kept: Collection[UUID]
) -> list[int]:
    """Return the numbers of the deliveries that are to be kept.

    Raises ``Awake`` where others have work, or there are too many.
    """
    # An index is slower only on tables so small that it does not matter.
    cursor.execute("SET LOCAL enable_seqscan = off")
    partition = partitions[TABLES[1]]
    for statement in _AWAKE:
        [(awake,)] = cursor.execute(statement.format(partition=partition), [arrays.uuids(kept)])
        if awake:
            raise Awake
    found = cursor.execute(
        f"SELECT id FROM {partition} WHERE notification_id = ANY(%s::uuid[]) LIMIT %s",
        [arrays.uuids(kept), MOST_KEPT + 1],
    )
    if len(found) > MOST_KEPT:
        raise Awake
    return [number for (number,) in found]


def _detach(
    cursor: _Limited, partitions: dict[PartitionedTable, str], kept: Collection[UUID]
) -> None:
    """Take the partitions out of their tables, and put what is kept back into these.

    Raises ``Awake`` where there is too much to be kept by now: what is kept may have got more
    deliveries.
    """
    deliveries = _deliveries(cursor, partitions, kept)
    for table, partition in partitions.items():
        cursor.execute(
            f"ALTER TABLE {table.name} DETACH PARTITION {partition}; "
            f"ALTER TABLE {partition} RENAME TO {partition}{_GONE}"
        )
    if not kept:
        return
    for table, partition in partitions.items():
        condition, keys = _of(table, deliveries, kept)
        cursor.execute(
            f"INSERT INTO {table.rest} SELECT * FROM {partition}{_GONE} WHERE {condition}", [keys]
        )


def _of(
    table: PartitionedTable, deliveries: Sequence[int], kept: Collection[UUID]
) -> tuple[str, list[Any]]:
    """Return the condition of a table's rows that are to be kept, and its value."""
    if table.of_deliveries:
        return f"{table.key} = ANY(%s::bigint[])", list(deliveries)
    return f"{table.key} = ANY(%s::uuid[])", [str(one) for one in kept]


# A window of what refers to rows that were taken out, and to none that was kept: both are read by
# their indexes, from the last window's end on.
_REFERENCES = """
WITH orphans AS MATERIALIZED (
    SELECT o.ctid AS place, o.{column} AS key FROM {table} o
     WHERE o.{column} BETWEEN %(first)s AND %(last)s
       AND NOT EXISTS (SELECT FROM {parent} p
                        WHERE p.id = o.{column} AND p.id BETWEEN %(first)s AND %(last)s)
     ORDER BY o.{column} LIMIT %(most)s
), removed AS (
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT place FROM orphans))
)
SELECT key FROM orphans ORDER BY key
"""
_REFERRING = {
    TABLES[0]: (
        ("delivery_pendingcount", "notification_id"),
        ("delivery_answer", "notification_id"),
        ("delivery_chunk", "notification_id"),
        ("delivery_retentiondeferral", "notification_id"),
    ),
    TABLES[1]: (("delivery_deadletter", "delivery_id"),),
}


def drop_detached() -> None:
    """Drop the partitions that were taken out, each after what refers to its rows elsewhere.

    One of which that is not possible now is left to a later run, and keeps nothing else waiting.
    """
    for table in TABLES:
        for gone in _detached(table):
            try:
                _drop_detached(table, gone)
            except OperationalError as error:
                log.warning("%s is dropped later: %s", gone, error)


def _detached(table: PartitionedTable) -> list[str]:
    """Return the names of a table's partitions that were taken out, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ %s "
            "AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = %s::regclass) "
            "ORDER BY relname",
            [f"^{table.name}_([0-9]{{8}}|before){_GONE}$", table.name],
        )
        return [name for (name,) in cursor.fetchall()]


def _drop_detached(table: PartitionedTable, gone: str) -> None:
    for referring, column in _REFERRING.get(table, ()):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT (SELECT id FROM {gone} ORDER BY id LIMIT 1), "
                f"(SELECT id FROM {gone} ORDER BY id DESC LIMIT 1)"
            )
            first, last = cursor.fetchone()
        while first is not None:
            progress.step()
            first = _delete_references(referring, column, table.name, first, last)
    with _step() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {gone}")


def _delete_references(table: str, column: str, parent: str, first: Any, last: Any) -> Any | None:
    """Delete a window of what refers to rows of these keys; return where the next one begins."""
    with _step() as cursor:
        cursor.execute(
            _REFERENCES.format(table=table, column=column, parent=parent),
            {"first": first, "last": last, "most": AT_ONCE},
        )
        keys = [key for (key,) in cursor.fetchall()]
    return keys[-1] if len(keys) == AT_ONCE else None


@contextmanager
def _step() -> Iterator[CursorWrapper]:
    """Run a transaction that gives up where it waits for others, or for long."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{STEP_WAITS}'")
        cursor.execute(f"SET LOCAL statement_timeout = '{STEP}'; SET LOCAL enable_seqscan = off")
        yield cursor
