"""Output: aligned columns for people, or JSON with an object a line."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from itertools import islice
from typing import Any

#: Rows that are read before they are aligned and printed: a list may have millions.
_AT_ONCE = 50
Columns = Mapping[str, Callable[[Any], object]]


class Output:
    """Prints rows, each at once. ``as_json``: as JSON."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def row(self, row: Any, text: str) -> None:
        """Print one row, for people as ``text``."""
        if self.as_json:  # as it is: JSON escapes what a terminal would obey
            print(json.dumps(_plain(row), default=_text), flush=True)
        else:
            print(clean(text), flush=True)

    def fields(self, row: Any) -> None:
        """Print one row with the name of each field that has a value."""
        found = _plain(row)
        width = max(map(len, found))
        lines = [f"{name:{width}}  {cell(value)}" for name, value in found.items() if value]
        self.row(row, "\n".join(lines))

    def rows(self, rows: Iterable[Any], columns: Columns) -> None:
        """Print many rows; ``columns`` name what people see of each."""
        if self.as_json:
            for row in rows:
                self.row(row, "")
            return
        reader = iter(rows)
        widths = [len(name) for name in columns]
        head: list[list[str]] = [[name.upper() for name in columns]]
        while part := list(islice(reader, _AT_ONCE)):
            lines = head + [[cell(read(row)) for read in columns.values()] for row in part]
            widths = [max(map(len, cells)) for cells in zip(*lines, _blank(widths), strict=True)]
            for cells in lines:
                print(clean("  ".join(map(str.ljust, cells, widths)).rstrip()), flush=True)
            head = []


def clean(text: str) -> str:
    """Return text without what a terminal would obey: some of it was written by others."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def _blank(widths: Iterable[int]) -> list[str]:
    return [" " * width for width in widths]


def _plain(row: Any) -> dict[str, Any]:
    return asdict(row) if is_dataclass(row) and not isinstance(row, type) else dict(row)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def cell(value: object) -> str:
    """Return a value as it is read in a line: times to the second, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().isoformat(sep=" ", timespec="seconds")
    if isinstance(value, str | int | float):
        return " ".join(str(value).split())  # in one line
    if isinstance(value, tuple | list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, default=_text)
