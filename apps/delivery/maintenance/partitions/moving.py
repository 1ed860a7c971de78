"""Partition tables that have rows, while the service runs.

A table becomes the partition of all that is older than a day to come: no row is moved. Its rows go
by and by, as their retention ends, and days after that have partitions of their own.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from apps.core import clock
from apps.delivery.maintenance.partitions import dropping, locks, making, tables
from apps.delivery.maintenance.partitions.tables import TABLES, PartitionedTable
from apps.delivery.outbox import delivery_numbers, partition_bounds
from notifier.domain.ids import days

#: Days from today to the first one with a partition of its own: reading the tables takes less.
MARGIN = 2
#: Seconds before that day in which no table is read any more, and that reading one has at least.
SPARE, LEAST = 3_600.0, 3_600.0
#: Longest time of a statement while all of the tables are locked, of which none reads one.
SWITCHING = "5s"
#: Seconds for which the locks are tried: a vacuum of a large table, which has one, may take long.
LONGEST = 3_600.0
#: PostgreSQL's limit for names.
_NAME = 63
#: Says nothing of the steps.
_QUIET: Callable[[str], object] = lambda _: None  # noqa: E731


def partition_all(say: Callable[[str], object] = _QUIET) -> int:
    """Partition the tables, unless they are; return how many were partitioned.

    Each is read once, beside all else, to know that its rows are from before a day to come, and
    then all of them are switched in one transaction, which takes milliseconds. Whatever stops it
    leaves plain tables; those that were read are not read again on the same day. ``say`` gets a
    line for each step.

    Raises ``locks.Busy`` where another run is at work, or a lock is not to be had, ``locks.Slow``
    where a table is not read in time, and ``tables.IndexInvalid`` where an index is, which would be
    built anew while everybody waits.
    """
    if tables.all_partitioned():
        return 0
    with locks.alone():
        end = _end()
        forget_checks(end)
        with connection.cursor() as cursor:
            tables.require_valid_indexes(cursor)
        return _partition_all(end, say)


def _end() -> date:
    """Return the first day with a partition of its own, of a run that begins now."""
    return days.of_moment(clock.moment()) + timedelta(days=MARGIN)


def _partition_all(end: date, say: Callable[[str], object]) -> int:
    try:
        for table in TABLES:
            if not _is_checked(table, end):
                say(f"{table.name}: reading it once, to know that all is from before {end} …")
                _check(table, end)
                _read(table, end)
        for one in locks.tries(LONGEST):
            with one.transaction(limited=True) as cursor:
                locks.lock(cursor, [table.name for table in TABLES])
                cursor.execute(f"SET LOCAL statement_timeout = '{SWITCHING}'")
                for table in TABLES:
                    _require_check(table, end)
                    _switch(cursor, table, end)
                cursor.execute(delivery_numbers.BY_DAY)
    except BaseException:
        forget_checks(end)
        raise
    partition_bounds.forget()
    say(f"Each day from {end} on has its partitions. Making statistics …")
    making.analyze()
    return len(TABLES)


def _name_of_check(table: PartitionedTable, end: date) -> str:
    return f"{table.name}_until_{end:%Y%m%d}"


def _check(table: PartitionedTable, end: date) -> None:
    """Have a constraint say, of rows to come, that they are from before a day."""
    for one in locks.tries(LONGEST):
        with one.transaction() as cursor:
            locks.lock(cursor, [table.name])
            cursor.execute(
                f"ALTER TABLE {table.name} ADD CONSTRAINT {_name_of_check(table, end)} "
                f"CHECK ({table.key} < {table.literal(end)}) NOT VALID"
            )


def _read(table: PartitionedTable, end: date) -> None:
    """Read that the constraint holds for all rows, before it would refuse some.

    Raises ``locks.Slow`` where that takes longer.
    """
    for one in locks.tries(LONGEST):
        with one.transaction(limited=True) as cursor:
            # The lock of this one keeps nobody from reading or writing.
            cursor.execute(f"SET LOCAL lock_timeout = '{making.VALIDATING_WAITS}'")
            cursor.execute(f"SET LOCAL statement_timeout = {_milliseconds_to_read(end)}")
            check = _name_of_check(table, end)
            cursor.execute(f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {check}")


def _milliseconds_to_read(end: date) -> int:
    left = (datetime.combine(end, time.min, UTC) - clock.moment()).total_seconds()
    return round(max(left - SPARE, LEAST) * 1000)


class CheckMissing(Exception):
    """The constraint is gone without which attaching a table would read it under a lock."""


def _require_check(table: PartitionedTable, end: date) -> None:
    if not _is_checked(table, end):
        raise CheckMissing(table.name)


def _is_checked(table: PartitionedTable, end: date) -> bool:
    """Return whether a constraint says that all rows are from before a day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND conname = %s AND convalidated)",
            [table.name, _name_of_check(table, end)],
        )
        return bool(cursor.fetchone()[0])


def forget_killed() -> None:
    """Drop what runs left that did not end, unless one partitions the tables.

    What they have read is kept while a run that begins now would use it.
    """
    with suppress(locks.Busy), locks.alone():
        forget_checks(_end(), making.LONGEST)


def forget_checks(end: date, longest: float = LONGEST) -> None:
    """Drop the constraints of runs that did not end, which would refuse rows one day.

    Those stay that say of all rows that they are from before ``end``.

    Raises ``locks.Busy`` where a lock is not to be had in ``longest`` seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint "
            "WHERE contype = 'c' AND conname ~ %s AND NOT (convalidated AND conname = ANY(%s))",
            [
                f"^({'|'.join(table.name for table in TABLES)})_(until|rest_without)_[0-9]{{8}}$",
                [_name_of_check(table, end) for table in TABLES],
            ],
        )
        found = cursor.fetchall()
    for table, name in found:
        for one in locks.tries(longest):
            with one.transaction() as cursor:
                locks.lock(cursor, [table])
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")


class _Index(NamedTuple):
    """An index of a table: ``columns`` are those of its constraint, if it has one."""

    name: str
    definition: str
    is_unique: bool
    kind: str | None
    columns: str | None
    has_key: bool


_INDEXES = """
SELECT i.relname, pg_get_indexdef(x.indexrelid), x.indisunique, c.contype,
       substring(pg_get_constraintdef(c.oid) FROM '\\(.*\\)'),
       EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = x.indrelid AND a.attname = %(key)s AND a.attnum = ANY(x.indkey))
         AND x.indpred IS NULL
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.contype IN ('p', 'u')
 WHERE x.indrelid = %(table)s::regclass ORDER BY i.relname
"""


def _indexes(cursor: CursorWrapper, table: PartitionedTable) -> Sequence[_Index]:
    cursor.execute(_INDEXES, {"key": table.key, "table": table.name})
    return [_Index._make(row) for row in cursor.fetchall()]


def _switch(cursor: CursorWrapper, table: PartitionedTable, end: date) -> None:
    """Put a partitioned table into the place of this one, and this one into it."""
    name, before = table.name, table.before
    indexes = _indexes(cursor, table)
    following = _drop_identity(cursor, table)
    cursor.execute(f"ALTER TABLE {name} RENAME TO {before}")
    for index in indexes:
        renamed = f"{index.name[: _NAME - 7]}_before"
        cursor.execute(f'ALTER INDEX "{index.name}" RENAME TO "{renamed}"')
    cursor.execute(
        f"CREATE TABLE {name} (LIKE {before} INCLUDING DEFAULTS INCLUDING STORAGE) "
        f"PARTITION BY RANGE ({table.key})"
    )
    if table.new_id:
        cursor.execute(f"CREATE SEQUENCE {name}_id_seq START {following} OWNED BY {name}.id")
        cursor.execute(f"ALTER TABLE {name} ALTER COLUMN id SET DEFAULT {table.new_id}")
    for index in indexes:
        _index(cursor, table, index)
    cursor.execute(
        f"ALTER TABLE {name} ATTACH PARTITION {before} "
        f"FOR VALUES FROM (MINVALUE) TO ({table.literal(end)})"
    )
    cursor.execute(f"ALTER TABLE {before} DROP CONSTRAINT {_name_of_check(table, end)}")
    for number in range(making.AHEAD + 1):
        making.add(cursor, table, end + timedelta(days=number))
    making.create(cursor, table, table.rest)
    cursor.execute(f"ALTER TABLE {name} ATTACH PARTITION {table.rest} DEFAULT")


def _drop_identity(cursor: CursorWrapper, table: PartitionedTable) -> int:
    """Have nothing number a table's rows any more; return the next number, 1 without numbers."""
    if not table.new_id:
        return 1
    cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table.name])
    (following,) = cursor.fetchone()
    cursor.execute(f"ALTER TABLE {table.name} ALTER COLUMN id DROP IDENTITY")
    return int(following)


def _index(cursor: CursorWrapper, table: PartitionedTable, index: _Index) -> None:
    """Give a table an index, but for those that each partition has for itself."""
    if index.is_unique and not index.has_key:
        return
    if index.kind is not None:
        kind = "PRIMARY KEY" if index.kind == "p" else "UNIQUE"
        cursor.execute(
            f'ALTER TABLE {table.name} ADD CONSTRAINT "{index.name}" {kind} {index.columns}'
        )
        return
    # That of a partitioned table says ONLY, which would make an index without partitions.
    cursor.execute(index.definition.replace(" ON ONLY ", " ON "))


def undo(say: Callable[[str], object] = _QUIET) -> int:
    """Make plain tables of the partitioned ones again; return how many there were.

    Their rows are copied, while nobody can write to them or read them.
    """
    with connection.cursor() as cursor:
        todo = tables.partitioned(cursor)
    if not todo:
        return 0
    dropping.drop_detached()  # which are numbered by the sequences that go with their tables
    for one in locks.tries(LONGEST):
        with one.transaction() as cursor:
            locks.lock(cursor, [table.name for table in todo])
            cursor.execute(f"SET LOCAL lock_timeout = '{making.VALIDATING_WAITS}'")
            for table in todo:
                say(f"{table.name}: copying its rows …")
                _merge(cursor, table)
            cursor.execute(delivery_numbers.IN_SEQUENCE)
    partition_bounds.forget()
    return len(todo)


def _merge(cursor: CursorWrapper, table: PartitionedTable) -> None:
    """Put a plain table with all rows into the place of a partitioned one."""
    name = table.name
    indexes = _indexes(cursor, table)
    storage = f" WITH ({table.storage})" if table.storage else ""
    cursor.execute(
        f"CREATE TABLE {name}_plain (LIKE {name} INCLUDING DEFAULTS INCLUDING STORAGE){storage}"
    )
    cursor.execute(f"INSERT INTO {name}_plain SELECT * FROM {name}")
    following = None
    if table.new_id:
        # Rows to come follow on those that were numbered by their days.
        cursor.execute(
            f"SELECT greatest(nextval('{name}_id_seq'), (SELECT max(id) + 1 FROM {name}_plain))"
        )
        (following,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {name}_plain ALTER COLUMN id DROP DEFAULT")
    cursor.execute(f"DROP TABLE {name}")
    cursor.execute(f"ALTER TABLE {name}_plain RENAME TO {name}")
    if following is not None:
        cursor.execute(
            f"ALTER TABLE {name} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY "
            f"(START {following})"
        )
    for index in indexes:
        _index(cursor, table, index)
    for unique, columns in table.unique:
        if unique == table.primary:
            cursor.execute(f"ALTER TABLE {name} ADD CONSTRAINT {unique} PRIMARY KEY {columns}")
        else:
            cursor.execute(f"CREATE UNIQUE INDEX {unique} ON {name} {columns}")
