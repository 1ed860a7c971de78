"""Settings from the environment, each with a default and a meaning.

``docs/configuration.md`` is printed from ``SETTINGS``, so what is read here is what is documented.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: its name, its default as one would write it, its meaning."""

    name: str
    default: str | None
    meaning: str


SETTINGS: list[Setting] = []


def text(name: str, default: str | None, meaning: str) -> str:
    """The variable's value; a default of ``None`` means that it must be set."""
    SETTINGS.append(Setting(name, default, meaning))
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(
            f"{name} is not set ({meaning}). `python -m config.secrets` prints fresh secrets; "
            "docs/configuration.md lists every setting."
        )
    return value


def whole(name: str, default: int, meaning: str) -> int:
    """A whole number."""
    return _parsed(name, str(default), meaning, int, "a whole number")


def number(name: str, default: float, meaning: str) -> float:
    """A number, mostly of seconds."""
    return _parsed(name, str(default), meaning, float, "a number")


def flag(name: str, default: bool, meaning: str) -> bool:
    """``1``/``true``/``yes`` or ``0``/``false``/``no``."""
    return _parsed(name, "1" if default else "0", meaning, _flag, "1 or 0")


def items(name: str, default: str, meaning: str) -> list[str]:
    """Comma-separated values, blanks dropped."""
    return [item.strip() for item in text(name, default, meaning).split(",") if item.strip()]


def numbers(name: str, default: str, meaning: str) -> tuple[float, ...]:
    """Comma-separated numbers."""

    def parse(value: str) -> tuple[float, ...]:
        return tuple(float(item) for item in value.split(",") if item.strip())

    return _parsed(name, default, meaning, parse, "numbers with commas between them")


def networks(name: str, default: str, meaning: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Comma-separated IP networks or addresses."""

    def parse(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(item.strip()) for item in value.split(",") if item.strip())

    return _parsed(name, default, meaning, parse, "networks such as 10.0.0.0/8")


def _flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return known[value.strip().lower()]


def _parsed(
    name: str, default: str, meaning: str, parse: Callable[[str], Any], expected: str
) -> Any:
    value = text(name, default, meaning)
    try:
        return parse(value)
    except (ValueError, KeyError):
        raise ImproperlyConfigured(f"{name} must be {expected}, not {value!r}") from None
