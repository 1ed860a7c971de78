"""The tables that are partitioned by day, and their partitions."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from apps.delivery.outbox import delivery_numbers, partition_names
from notifier.domain.ids import days


class PartitionedTable(NamedTuple):
    """A table that can be partitioned by the day in its column ``key``.

    ``first``: the smallest key of a day. ``unique``: names and columns of unique indexes that each
    partition has for itself; they hold for the whole table, since rows that could be equal have the
    same day. ``primary``: its primary key, if that is one of them. ``new_id``: SQL of the default
    of ``id``.
    ``storage``: parameters of partitions.
    """

    name: str
    key: str
    first: Callable[[date], UUID | int]
    unique: tuple[tuple[str, str], ...] = ()
    primary: str = ""
    new_id: str = ""
    storage: str = ""

    @property
    def of_deliveries(self) -> bool:
        """True if its key is the number of a delivery, and not the id of a notification."""
        return self.first is days.first_delivery

    @property
    def before(self) -> str:
        """The name of the partition of what was there before the table was partitioned."""
        return f"{self.name}_before"

    @property
    def rest(self) -> str:
        """The name of the partition of all that no other has: rows that outlive their day."""
        return f"{self.name}_rest"

    def of_day(self, day: date) -> str:
        """Return the name of a day's partition."""
        return f"{self.name}_{day:%Y%m%d}"

    def without(self, day: date) -> str:
        """Return the name of the constraint that ``rest`` has no row of a day."""
        return f"{self.rest}_without_{day:%Y%m%d}"

    def literal(self, day: date) -> str:
        """Return the smallest key of a day as SQL."""
        return f"'{self.first(day)}'"


_UPDATED_OFTEN = (
    "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, "
    "autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000"
)
#: In the order in which their locks are taken: as the engine's statements take them.
TABLES: Sequence[PartitionedTable] = (
    PartitionedTable("delivery_notification", "id", days.first_notification),
    PartitionedTable(
        "delivery_delivery",
        "id",
        days.first_delivery,
        unique=(
            ("delivery_once_a_contact", "(notification_id, contact_id) WHERE instead_of IS NULL"),
            ("delivery_once_instead", "(instead_of) WHERE instead_of IS NOT NULL"),
            (
                "delivery_once_without_address",
                "(notification_id, recipient_id, channel) "
                "WHERE contact_id IS NULL AND instead_of IS NULL",
            ),
        ),
        new_id=delivery_numbers.OF_TODAY,
        storage=f"fillfactor = 40, {_UPDATED_OFTEN}",
    ),
    PartitionedTable("delivery_attempt", "delivery_id", days.first_delivery),
    PartitionedTable(
        "delivery_statecount",
        "notification_id",
        days.first_notification,
        storage="fillfactor = 50, autovacuum_vacuum_scale_factor = 0, "
        "autovacuum_vacuum_threshold = 2000",
    ),
    PartitionedTable(
        "delivery_receiptevent",
        "delivery_id",
        days.first_delivery,
        unique=(("delivery_receiptevent_pkey", "(id)"),),
        primary="delivery_receiptevent_pkey",
        new_id="nextval('delivery_receiptevent_id_seq')",
    ),
)


class IndexInvalid(Exception):
    """An index that should be valid is not: what built it was interrupted."""


def require_valid_indexes(cursor: CursorWrapper) -> None:
    """Raise ``IndexInvalid`` where one of the tables has such an index."""
    cursor.execute(
        "SELECT indexrelid::regclass::text FROM pg_index "
        "WHERE indrelid = ANY(%s::regclass[]) AND NOT indisvalid ORDER BY 1",
        [[table.name for table in TABLES]],
    )
    if found := [name for (name,) in cursor.fetchall()]:
        raise IndexInvalid(", ".join(found))


def partitioned(cursor: CursorWrapper) -> list[PartitionedTable]:
    """Return those of the tables that are partitioned already."""
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = "
        "(SELECT relnamespace FROM pg_class WHERE oid = 'delivery_delivery'::regclass)"
    )
    found = {name for (name,) in cursor.fetchall()}
    return [table for table in TABLES if table.name in found]


def all_partitioned() -> bool:
    """Return whether all of the tables are partitioned."""
    with connection.cursor() as cursor:
        return len(partitioned(cursor)) == len(TABLES)


def attached(cursor: CursorWrapper) -> set[str]:
    """Return the names of the partitions of all tables."""
    return {name for table in TABLES for name in partition_names.of(cursor, table.name)}


def end_of_before(cursor: CursorWrapper) -> date | None:
    """Return the first day that is not in the partitions of what was there before.

    ``None`` if there are none any more. It is the same for all tables.
    """
    cursor.execute(
        "SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM $$TO \\('?(\\d+)'?\\)$$) "
        "FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid "
        "WHERE i.inhparent = 'delivery_delivery'::regclass AND c.relname = %s",
        [TABLES[1].before],
    )
    row = cursor.fetchone()
    return None if row is None else days.of_delivery(int(row[0]))
