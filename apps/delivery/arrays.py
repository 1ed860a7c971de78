"""Columns of many rows as PostgreSQL array literals, each one parameter of a statement.

psycopg2 adapts a list element by element, at about a microsecond each.
"""

from collections.abc import Iterable


def numbers(values: Iterable[int | float | None]) -> str:
    """``{1,NULL,3}``."""
    return _array("NULL" if value is None else str(value) for value in values)


def texts(values: Iterable[str]) -> str:
    """``{"a","b \\" c"}``; without NUL characters, which no text of PostgreSQL's can hold."""
    return _array(f'"{_escaped(value)}"' for value in values)


def _array(elements: Iterable[str]) -> str:
    return "{" + ",".join([*elements]) + "}"


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value:
        return value.replace("\\", "\\\\").replace('"', '\\"')
    return value
