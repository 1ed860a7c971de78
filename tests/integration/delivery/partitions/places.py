"""Partitions of the large tables: which there are, and what is in them."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection

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


def post(shop: Shop, user: str = "ada", **fields: Any) -> Any:
    body = {"user_id": user, "content": HELLO, "channels": ["inbox"], **fields}
    return shop.post("notifications", body)
