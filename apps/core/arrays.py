"""PostgreSQL array literals: a column of many rows as one parameter of a statement.

psycopg2 adapts a list element by element, at about 1 µs each. The functions below join lists, not
generators, which take half as long again for a few elements.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

#: A function that formats one column.
Writer = Callable[[Iterable[Any]], str]


def numbers(values: Iterable[int | float | None]) -> str:
    """Format numbers: ``{1,NULL,3}``."""
    return _array(["NULL" if value is None else str(value) for value in values])


def texts(values: Iterable[str | None]) -> str:
    r"""Format texts, which must not contain NUL characters: ``{"a","b \" c",NULL}``."""
    return _array(["NULL" if value is None else f'"{_escaped(value)}"' for value in values])


def uuids(values: Iterable[UUID | None]) -> str:
    """Format UUIDs: ``{1f0…,NULL}``."""
    return _array(["NULL" if value is None else str(value) for value in values])


def times(values: Iterable[datetime | None]) -> str:
    """Format times: ``{2026-01-01T00:00:00+00:00,NULL}``."""
    return _array(["NULL" if value is None else value.isoformat() for value in values])


def blobs(values: Iterable[bytes | None]) -> str:
    """Format byte strings for ``bytea[]``, in hexadecimal."""
    return _array(["NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values])


def lists(values: Iterable[Iterable[int] | None]) -> str:
    """Format lists of different lengths as ``text[]``, each to be cast: ``{"{1,2}",NULL}``."""
    return _array(["NULL" if value is None else f'"{numbers(value)}"' for value in values])


def bounds(values: Iterable[int]) -> tuple[int, int]:
    """Return the least and the greatest of some ids, of which there is one at least.

    A statement that names them is planned for the partitions between them alone.
    """
    found = list(values)
    return min(found), max(found)


def _array(elements: Iterable[str]) -> str:
    return f"{{{','.join(elements)}}}"


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value:
        return value.replace("\\", "\\\\").replace('"', '\\"')
    return value
