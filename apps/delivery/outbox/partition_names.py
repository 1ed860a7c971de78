"""The partitions that a table has, by their names, which end with the day."""

from datetime import date

from django.db.backends.utils import CursorWrapper

from notifier.domain.ids import days

_NAMES = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = %s::regclass ORDER BY c.relname
"""


def of(cursor: CursorWrapper, table: str) -> list[str]:
    """Return the names of a table's partitions, in order; none where it is not partitioned."""
    cursor.execute(_NAMES, [table])
    return [name for (name,) in cursor.fetchall()]


def of_days(cursor: CursorWrapper, table: str) -> list[date]:
    """Return the days that a table has a partition of, the oldest first."""
    return [day for name in of(cursor, table) if (day := days.in_name(name)) is not None]
