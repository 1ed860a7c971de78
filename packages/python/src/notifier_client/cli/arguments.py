"""Types of arguments that several commands take."""

import argparse
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """Parse a time: ISO 8601, this machine's zone where it has none, or ``+15m`` from now."""
    if found := re.fullmatch(r"\+(\d{1,6})([smhd])", text):
        return datetime.now(UTC) + timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: write 2026-12-01T09:00+01:00, or +15m for in 15 minutes"
        ) from None
    return time if time.tzinfo else time.astimezone()


def past(text: str) -> datetime:
    """Parse a time as ``moment`` does, or ``24h``: so long ago."""
    if found := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    return moment(text)


def pair(text: str) -> tuple[str, Any]:
    """Parse ``name=text`` or ``name:=JSON``."""
    name, equals, value = text.partition("=")
    if not equals or not name.rstrip(":"):
        raise argparse.ArgumentTypeError(f"{text!r} is not name=text or name:=JSON")
    return (name[:-1], value_of(value)) if name.endswith(":") else (name, value)


def text_pair(text: str) -> tuple[str, str]:
    """Parse ``name=text``."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not name=text")
    return name, value


def value_of(text: str) -> Any:
    """Parse JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None


def json_object(text: str) -> dict[str, Any]:
    """Parse a JSON object."""
    found = value_of(text)
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"""{text!r} is not a JSON object: {{"order": 7}}""")
    return found


def seconds(text: str) -> float:
    """Parse a number of seconds above 0."""
    try:
        if 0 < (found := float(text)) < float("inf"):
            return found
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
