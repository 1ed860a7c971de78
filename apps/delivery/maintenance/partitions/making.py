"""Make the partitions of the coming days."""

import logging
from datetime import date, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.core import clock
from apps.delivery.maintenance.partitions import tables
from apps.delivery.maintenance.partitions.locks import Busy, Slow, lock, tries
from apps.delivery.maintenance.partitions.tables import TABLES, PartitionedTable
from apps.delivery.outbox import partition_names
from notifier.domain.ids import days

log = logging.getLogger(__name__)

#: Days for which there are partitions, from tomorrow on.
AHEAD = 7
#: Seconds for which one partition is tried.
LONGEST = 10.0
#: Days from today whose rows may come in before a constraint on the ``rest``, which would refuse
#: them, is dropped where a run left it behind.
NEAR = 2
#: Longest time of a statement while the ``rest`` is locked.
STATEMENT = "100ms"
#: Longest wait for a vacuum of the ``rest``: one that is no manual one ends for who waits a second.
VALIDATING_WAITS = "10s"
#: Longest time of reading the ``rest``, in which a few rows of each day are.
VALIDATING = "10min"


def make_ahead() -> list[str]:
    """Make the partitions of today and of ``AHEAD`` days that are missing; return their names.

    Rows of a day without a partition go to the table's ``rest``: nothing is lost where this has not
    run for a week, but that day's rows are then deleted one by one. Statistics of the whole tables,
    which autovacuum does not make, are made with the new partitions, once a day.
    """
    with connection.cursor() as cursor:
        missing = [
            (table, day) for table in tables.partitioned(cursor) for day in _missing(cursor, table)
        ]
    made = []
    try:
        for table, day in missing:
            if _make(table, day):
                made.append(table.of_day(day))
    except Busy:
        log.warning("partitions are made later: others have a lock on a table")
    if made:
        analyze()
    return made


def days_ahead() -> int | None:
    """Return for how many days from tomorrow on every table has partitions; ``None`` if plain."""
    if not tables.all_partitioned():
        return None
    today = days.of_moment(clock.moment())
    with connection.cursor() as cursor:
        last = min(
            max(partition_names.of_days(cursor, table.name), default=today) for table in TABLES
        )
    return max((last - today).days, 0)


def analyze() -> None:
    """Make statistics of the whole tables, without which joins of them are planned for millions."""
    for table in TABLES:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(f"ANALYZE {table.name}")


def _missing(cursor: CursorWrapper, table: PartitionedTable) -> list[date]:
    """Return the days from today on that have no partition yet.

    The first one of all follows on what was there before the table was partitioned.
    """
    today = days.of_moment(clock.moment())
    there = partition_names.of_days(cursor, table.name)
    wanted = [today + timedelta(days=number) for number in range(AHEAD + 1)]
    return [day for day in wanted if day not in there and (not there or day > there[0])]


def _make(table: PartitionedTable, day: date) -> bool:
    """Make the partition of a day; return whether it was possible.

    Attaching it locks the ``rest``, and reads that unless a constraint says that it has no row of
    the day. Such a one is made beside all readers and writers, and goes with that transaction, or
    where that fails.

    Raises ``locks.Busy``.
    """
    try:
        if day > days.of_moment(clock.moment()) + timedelta(days=NEAR):
            _exclude(table, day)
            _validate(table, day)
        for one in tries(LONGEST):
            with one.transaction(limited=True) as cursor:
                create(cursor, table, table.of_day(day))
                cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT}'")
                _attach(cursor, table, day)
                cursor.execute(_FORGET.format(rest=table.rest, check=table.without(day)))
    except IntegrityError:
        log.warning("%s has rows of %s, which gets no partition any more", table.rest, day)
        _forget(table, day)
        return False
    except Slow:
        log.warning("%s has too many rows to be read for a partition of %s", table.rest, day)
        _forget(table, day)
        return False
    except Busy:
        _forget(table, day)
        raise
    return True


def _forget(table: PartitionedTable, day: date) -> None:
    """Drop the constraint that the ``rest`` has no row of a day, which would refuse them."""
    for one in tries(LONGEST):
        with one.transaction() as cursor:
            lock(cursor, [table.rest])
            cursor.execute(_FORGET.format(rest=table.rest, check=table.without(day)))


_FORGET = "ALTER TABLE {rest} DROP CONSTRAINT IF EXISTS {check}"
_EXCLUDE = """
ALTER TABLE {rest} ADD CONSTRAINT {check} CHECK ({key} < {first} OR {key} >= {end}) NOT VALID
"""


def _exclude(table: PartitionedTable, day: date) -> None:
    """Have a constraint say that the ``rest`` gets no row of a day to come.

    ``moving.forget_killed`` drops what a run leaves that is killed before the partition is
    attached.
    """
    rest, check = table.rest, table.without(day)
    first, end = table.literal(day), table.literal(day + timedelta(days=1))
    for one in tries(LONGEST):
        with one.transaction() as cursor:
            lock(cursor, [rest])
            cursor.execute(_FORGET.format(rest=rest, check=check))
            cursor.execute(
                _EXCLUDE.format(rest=rest, check=check, key=table.key, first=first, end=end)
            )


def _validate(table: PartitionedTable, day: date) -> None:
    """Read that the ``rest`` has no row of that day.

    Raises ``IntegrityError`` where it has one, and ``Slow`` where it has too many of other days.
    """
    for one in tries(0.0):
        with one.transaction(limited=True) as cursor:
            # The lock of this one keeps nobody from reading or writing.
            cursor.execute(f"SET LOCAL lock_timeout = '{VALIDATING_WAITS}'")
            cursor.execute(f"SET LOCAL statement_timeout = '{VALIDATING}'")
            cursor.execute(f"ALTER TABLE {table.rest} VALIDATE CONSTRAINT {table.without(day)}")


def add(cursor: CursorWrapper, table: PartitionedTable, day: date) -> None:
    """Create and attach the partition of a day."""
    create(cursor, table, table.of_day(day))
    _attach(cursor, table, day)


def _attach(cursor: CursorWrapper, table: PartitionedTable, day: date) -> None:
    cursor.execute(
        f"ALTER TABLE {table.name} ATTACH PARTITION {table.of_day(day)} "
        f"FOR VALUES FROM ({table.literal(day)}) TO ({table.literal(day + timedelta(days=1))})"
    )


def create(cursor: CursorWrapper, table: PartitionedTable, name: str) -> None:
    """Create a table that can be attached as a partition, with all its indexes."""
    storage = f" WITH ({table.storage})" if table.storage else ""
    cursor.execute(
        f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS "
        f"INCLUDING INDEXES INCLUDING STORAGE){storage}"
    )
    for _, columns in table.unique:
        cursor.execute(f"CREATE UNIQUE INDEX ON {name} {columns}")
