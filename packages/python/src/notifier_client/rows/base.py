"""Conversion between JSON and frozen dataclasses.

Fields that a newer service adds are ignored, so an older client keeps working.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

Row = TypeVar("Row")
#: Metadata of fields whose JSON has another type.
TIME = {"read": datetime.fromisoformat}
TUPLE = {"read": tuple}


def one(row: type[Any]) -> dict[str, Any]:
    """Return the metadata of a field that holds a ``row``."""
    return {"read": lambda answer: read(row, answer)}


def many(row: type[Any]) -> dict[str, Any]:
    """Return the metadata of a field that holds a tuple of ``row``."""
    return {"read": lambda answers: tuple(read(row, answer) for answer in answers)}


def read(row: type[Row], answer: Mapping[str, Any]) -> Row:
    """Build a ``row`` from JSON: known fields are converted, others ignored."""
    found = {}
    for one in fields(row):  # type: ignore[arg-type]
        if one.name in answer:
            value, convert = answer[one.name], one.metadata.get("read")
            found[one.name] = convert(value) if convert and value is not None else value
    return row(**found)


def write(row: Any, *names: str) -> dict[str, Any]:
    """Return ``row``'s fields of these names as JSON, without those that are ``None``."""
    return {name: _json(name, value) for name in names if (value := getattr(row, name)) is not None}


def _json(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name} needs a time zone: datetime.now(UTC), not datetime.now()")
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def write_query(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``fields`` as JSON or a query string takes them, without empty ones."""
    return {name: _json(name, value) for name, value in fields.items() if value not in (None, "")}
