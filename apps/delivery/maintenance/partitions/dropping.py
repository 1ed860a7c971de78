"""Drop the partitions of days whose records are over their retention.

What is to be kept (it was scheduled for later, has work left, or a rule keeps it for longer) moves
to the tables' ``rest`` in the same transaction, and is deleted from there in its time. A day of
which more than ``MOST_KEPT`` rows are to be kept keeps its partitions: its other rows are deleted
one by one.
"""

import logging
from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from apps.core import arrays
from apps.core.processes import progress
from apps.delivery.maintenance.partitions import tables
from apps.delivery.maintenance.partitions.locks import tries
from apps.delivery.maintenance.partitions.tables import TABLES, PartitionedTable

log = logging.getLogger(__name__)

#: Most deliveries that are moved out of a day's partition while all statements wait for it.
MOST_KEPT = 1_000
#: Rows that one statement deletes of a table without partitions.
AT_ONCE = 10_000


class Span(NamedTuple):
    """The days whose rows a partition has: from ``begin`` to before ``end``.

    ``begin`` is ``None`` for the rows that were there before the tables were partitioned.
    """

    begin: date | None
    end: date

    def partition(self, table: PartitionedTable) -> str:
        """Return the name of the table's partition."""
        return table.before if self.begin is None else table.of_day(self.begin)

    def condition(self, table: PartitionedTable) -> str:
        """Return the SQL of which keys ``{0}`` of a table are of these days."""
        until = f"{{0}} < {table.literal(self.end)}"
        return until if self.begin is None else f"{{0}} >= {table.literal(self.begin)} AND {until}"


_ATTACHED = """
SELECT inhparent::regclass::text, inhrelid::regclass::text FROM pg_inherits
 WHERE inhparent = ANY(%s::regclass[])
"""


def ended(by: date) -> list[Span]:
    """Return the spans of partitions that end by a day, the oldest first."""
    if not tables.all_partitioned():
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ATTACHED, [[table.name for table in TABLES]])
        names = {name for _, name in cursor.fetchall()}
        first = TABLES[0]
        there = tables.attached_days(cursor, first)
    spans = [Span(day, day + timedelta(days=1)) for day in there]
    if there and first.before in names:
        spans.insert(0, Span(None, there[0]))
    return [
        span
        for span in spans
        if span.end <= by and all(span.partition(table) in names for table in TABLES)
    ]


# What refers to these days' rows in tables without partitions.
_DELETE = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM {table} o WHERE {condition} AND NOT {kept} LIMIT {most}))
"""
_KEPT = "o.notification_id = ANY(%(kept)s::uuid[])"
_KEPT_DELIVERY = """EXISTS (SELECT FROM {partition} d
    WHERE d.id = o.delivery_id AND d.notification_id = ANY(%(kept)s::uuid[]))"""
_BY_NOTIFICATION = (
    "delivery_pendingcount",
    "delivery_answer",
    "delivery_chunk",
    "delivery_retentiondeferral",
)
# Whether a delivery that was not to be kept has work again: somebody redrove it meanwhile.
_AWAKE = """
SELECT EXISTS (SELECT FROM {partition} d
                WHERE (d.next_attempt_at IS NOT NULL
                       OR d.chunk_id IN (SELECT id FROM delivery_claim))
                  AND NOT d.notification_id = ANY(%(kept)s::uuid[]))
"""


class Awake(Exception):
    """A delivery of a day that was to be dropped has work again."""


def drop(span: Span, kept: Collection[UUID]) -> None:
    """Drop the partitions of ended days, all but these notifications and what belongs to them.

    Raises ``Awake`` where something else of them has work by now, and ``locks.Busy`` where a
    transaction has had a lock on one of the tables all the time.
    """
    _delete_references(span, kept)
    for one in tries():
        with one.transaction() as cursor:
            _detach(cursor, span, kept)
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE {span.partition(table)}")
    log.info("dropped the partitions of %s; %d notifications are kept", span, len(kept))


def _delete_references(span: Span, kept: Collection[UUID]) -> None:
    parameters = {"kept": arrays.uuids(kept)}
    notifications, deliveries = TABLES[0], TABLES[1]
    todo = {
        table: (span.condition(notifications).format("o.notification_id"), _KEPT)
        for table in _BY_NOTIFICATION
    }
    todo["delivery_deadletter"] = (
        span.condition(deliveries).format("o.delivery_id"),
        _KEPT_DELIVERY.format(partition=span.partition(deliveries)),
    )
    with connection.cursor() as cursor:
        for table, (condition, is_kept) in todo.items():
            statement = _DELETE.format(table=table, condition=condition, kept=is_kept, most=AT_ONCE)
            while True:
                progress.step()
                cursor.execute(statement, parameters)
                if cursor.rowcount < AT_ONCE:
                    break


def _detach(cursor: CursorWrapper, span: Span, kept: Collection[UUID]) -> None:
    """Take the partitions out of their tables, and put what is kept back into these."""
    parameters = {"kept": arrays.uuids(kept)}
    notifications, deliveries, attempts, counts, events = (span.partition(one) for one in TABLES)
    cursor.execute(f"LOCK TABLE {', '.join(f'ONLY {one.name}' for one in TABLES)}")
    cursor.execute(_AWAKE.format(partition=deliveries), parameters)
    if cursor.fetchone()[0]:
        raise Awake
    for table in TABLES:
        cursor.execute(f"ALTER TABLE {table.name} DETACH PARTITION {span.partition(table)}")
    if not kept:
        return
    of_kept = f"(SELECT id FROM {deliveries} WHERE notification_id = ANY(%(kept)s::uuid[]))"
    for name, partition, which in (
        ("delivery_notification", notifications, "id = ANY(%(kept)s::uuid[])"),
        ("delivery_delivery", deliveries, "notification_id = ANY(%(kept)s::uuid[])"),
        ("delivery_attempt", attempts, f"delivery_id IN {of_kept}"),
        ("delivery_statecount", counts, "notification_id = ANY(%(kept)s::uuid[])"),
        ("delivery_receiptevent", events, f"delivery_id IN {of_kept}"),
    ):
        cursor.execute(f"INSERT INTO {name} SELECT * FROM {partition} WHERE {which}", parameters)


def drop_detached() -> None:
    """Drop partitions that were taken out of their tables by a run that did not end."""
    with connection.cursor() as cursor:
        for table in tables.partitioned(cursor):
            cursor.execute(
                "SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = "
                "(SELECT relnamespace FROM pg_class WHERE oid = %s::regclass) "
                "AND (relname = %s OR relname ~ %s) "
                "AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid)",
                [table.name, table.before, f"^{table.name}_[0-9]{{8}}$"],
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TABLE {name}")
