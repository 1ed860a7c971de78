"""Columns of many rows as PostgreSQL array literals, each one parameter of a statement.

psycopg2 adapts a list element by element, at about a microsecond each. Lists are joined here and
not generators, which take half as long again for a few elements.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

#: Writes one column.
Writer = Callable[[Iterable[Any]], str]


def numbers(values: Iterable[int | float | None]) -> str:
    """``{1,NULL,3}``."""
    return _array(["NULL" if value is None else str(value) for value in values])


def texts(values: Iterable[str | None]) -> str:
    """``{"a","b \\" c",NULL}``; without NUL characters, which no text of PostgreSQL's can hold."""
    return _array(["NULL" if value is None else f'"{_escaped(value)}"' for value in values])


def uuids(values: Iterable[UUID]) -> str:
    """For ``uuid[]``: ``{1f0…,1f1…}``."""
    return _array(map(str, values))


def times(values: Iterable[datetime | None]) -> str:
    """``{2026-01-01T00:00:00+00:00,NULL}``."""
    return _array(["NULL" if value is None else value.isoformat() for value in values])


def blobs(values: Iterable[bytes | None]) -> str:
    """For ``bytea[]``."""
    return _array(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values])


def lists(values: Iterable[Iterable[int] | None]) -> str:
    """Lists of any length as ``text[]``, each of which is to be cast: ``{"{1,2}",NULL}``."""
    return _array(["NULL" if value is None else f'"{numbers(value)}"' for value in values])


def _array(elements: Iterable[str]) -> str:
    return f"{{{','.join(elements)}}}"


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value:
        return value.replace("\\", "\\\\").replace('"', '\\"')
    return value
