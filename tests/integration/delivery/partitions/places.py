"""Partitions of the large tables: which there are, and what is in them."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from apps.delivery.maintenance.partitions.tables import TABLES
from tests.support.publishers.shop import HELLO, Shop


def partitions(table: str) -> set[str]:
    """Return the names of a table's partitions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


def places(table: str) -> set[str]:
    """Return the partitions in which a table's rows are."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT tableoid::regclass::text FROM {table}")
        return {name for (name,) in cursor.fetchall()}


def today_of(table: str) -> str:
    return f"{table}_{datetime.now(UTC).date():%Y%m%d}"


def take_out_today() -> None:
    """Take today's partitions out, as a run that is interrupted then."""
    with connection.cursor() as cursor:
        for table in TABLES:
            name = today_of(table.name)
            cursor.execute(f"ALTER TABLE {table.name} DETACH PARTITION {name}")
            cursor.execute(f"ALTER TABLE {name} RENAME TO {name}_gone")


def post(shop: Shop, user: str = "ada", **fields: Any) -> Any:
    body = {"user_id": user, "content": HELLO, "channels": ["inbox"], **fields}
    return shop.post("notifications", body)
