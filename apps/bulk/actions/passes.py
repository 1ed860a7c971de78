"""A pass through the rows that match, batch after batch, each behind the one before.

What a batch has done matches no more, so that beginning anew would be right as well, and slow: it
would read over all that was done and is not vacuumed yet. What others have locked is gone over;
another pass comes back to it. The columns that give the order have to be those of an index.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThanOrEqual

Row = TypeVar("Row", bound=Model)
#: The cursor of another pass.
_ANEW = "anew"


def next_rows(
    rows: QuerySet[Row], columns: Sequence[str], cursor: str, most: int
) -> tuple[list[Row], str | None]:
    """Lock the next ``most`` rows in the order of ``columns``; return them and the next cursor.

    The cursor is ``None`` if there are no more in this pass. One that another version wrote, which
    says something else, begins a pass.
    """
    place = _place(rows.model, columns, cursor)
    if place is not None:
        # The same place again: another row may have the same values, and those done match no more.
        behind = Tuple(*map(F, columns))
        rows = rows.filter(TupleGreaterThanOrEqual(behind, place))
    locked = rows.select_for_update(skip_locked=True, of=("self",))
    found = list(locked.order_by(*columns)[:most])
    if len(found) < most:
        return found, None
    return found, " ".join(_text(getattr(found[-1], name)) for name in columns)


def further(cursor: str | None, left: QuerySet[Row]) -> tuple[str | None, bool]:
    """Return the cursor to go on with, and whether that has to wait: what is left is locked.

    ``cursor``: as of ``next_rows``. ``left``: what matches after the batch.
    """
    if cursor is None and left.exists():
        return _ANEW, True
    return cursor, False


def _place(model: type[Model], columns: Sequence[str], cursor: str) -> tuple[Any, ...] | None:
    texts = cursor.split(" ")
    if len(texts) != len(columns):
        return None
    try:
        return tuple(_value(model, *pair) for pair in zip(columns, texts, strict=True))
    except (ValidationError, ValueError):
        return None


def _text(value: object) -> str:
    return f"{value.timestamp():.6f}" if isinstance(value, datetime) else str(value)


def _value(model: type[Model], column: str, text: str) -> Any:
    field: Any = model._meta.get_field(column)
    if isinstance(field, DateTimeField):
        return datetime.fromtimestamp(float(text), UTC)
    return field.to_python(text)
