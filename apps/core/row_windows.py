"""Windows of large tables: searches, for what no index finds, that end after so many rows."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db.models import Count, F, Max, Min, Model, QuerySet, TextField, UUIDField
from django.db.models.functions import Cast

M = TypeVar("M", bound=Model)
R = TypeVar("R")


def row_window(rows: QuerySet[M, R], ordering: str, most: int) -> tuple[QuerySet[M, R], Any | None]:
    """Return the first ``most`` of these rows and the key of the last one.

    ``ordering`` is a unique key, with a minus for its greatest first. The key returned is ``None``
    if there are no further rows. The window is bounded by two keys, so that no query plan walks the
    whole table for a value that statistics call frequent.
    """
    key = ordering.lstrip("-")
    # PostgreSQL before 18 has no min() and max() of UUIDs; their texts have the same order.
    texts = isinstance(rows.model._meta.get_field(key), UUIDField)
    value = Cast(key, TextField()) if texts else F(key)
    keys = rows.select_related(None).order_by(ordering).values(key)[:most]
    found = keys.aggregate(low=Min(value), high=Max(value), number=Count(key))
    if not found["number"]:
        return rows.none(), None
    within = rows.filter(**{f"{key}__gte": found["low"], f"{key}__lte": found["high"]})
    end = found["low"] if ordering.startswith("-") else found["high"]
    return within, end if found["number"] == most else None


def key_ranges(rows: QuerySet[M, R], position: int, width: int) -> Iterator[int]:
    """Yield the first key of each range of ``width`` integer keys that has rows, in their order.

    Together the ranges have every row that is there now, from the key ``position`` on. Keys that no
    row has are passed over, however many they are: after a restore sequences begin far ahead.
    """
    keys = rows.order_by("pk").values_list("pk", flat=True)
    newest = keys.last()
    while newest is not None:
        low = keys.filter(pk__gte=position, pk__lte=newest).first()
        if low is None:
            return
        yield low
        position = low + width
