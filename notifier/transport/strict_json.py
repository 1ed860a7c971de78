"""A strict JSON parser: it refuses values that would change when stored and written again.

orjson reads and writes whole numbers from -2^63 to 2^64-1 exactly and other numbers as doubles,
keeps the last of two members with one name, and cannot write nesting as deep as it reads.
PostgreSQL cannot store NUL characters. Such values are found here, with a pointer to each: two
texts that are read without an error mean the same only if their values are equal.
"""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson

from notifier.transport.json_pointer import escaped

#: Most levels of objects and lists. orjson reads 1,024 and writes 254.
MAX_DEPTH = 64
#: Most places that one error names.
MOST_NAMED = 20
SMALLEST, LARGEST = -(2**63), 2**64 - 1
#: A number of so many characters has at most 15 digits, which a double always keeps.
SHORT = 16

#: Most characters of a number that an error repeats.
MOST_SHOWN = 80

_CONTAINERS = frozenset({dict, list})
_WATCHED = _CONTAINERS | {float}
NUL = "Leave out the NUL character (\\u0000): it cannot be stored."
TWICE = "The object has this name twice. Keep one of the two."
ALTERED = (
    "This number would be altered: whole numbers are kept from -2^63 to 2^64-1, others as the "
    'nearest double. Send it as text, in quotes: "{number}".'
)


class MalformedJson(ValueError):
    """The text is not JSON in UTF-8; the message says where."""


class UnkeptJson(ValueError):
    """The text is JSON with values that would be altered or lost.

    ``str()`` of it is a sentence; ``errors``: at most ``MOST_NAMED`` of (JSON pointer, sentence).
    """

    def __init__(self, sentence: str, errors: list[tuple[str, str]]) -> None:
        super().__init__(sentence)
        self.errors = errors


def loads(text: bytes) -> Any:
    """Parse JSON. Raises ``MalformedJson`` or ``UnkeptJson``."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "infinity" in error.msg:  # 1e400 is valid JSON
            with suppress(json.JSONDecodeError, RecursionError):
                _refuse_unkept(text)
        raise MalformedJson(f"At line {error.lineno}, column {error.colno}: {error.msg}.") from None
    floats = _check_depth(value)
    # Fewer colons mean a dropped member; texts keep theirs, unless escaped (\u003a).
    lost = text.count(b":") != orjson.dumps(value).count(b":")
    if floats or lost or b"\\u00" in text:  # the NUL is written \u0000
        _refuse_unkept(text)
    return value


def _refuse_unkept(text: bytes) -> None:
    errors = list(islice(_errors(_literally(text), ""), MOST_NAMED))
    if errors:
        where, sentence = errors[0]
        raise UnkeptJson(f"{where}: {sentence}" if where else sentence, errors)


def _check_depth(value: Any) -> bool:
    """Return whether a number was read as a double. Raises ``UnkeptJson`` for deep nesting."""
    floats = type(value) is float
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        found = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in _WATCHED
        ]
        level = [one for one in found if type(one) is not float]
        floats = floats or len(level) < len(found)
        if not level:
            return floats
    raise UnkeptJson(
        f"Send JSON in which at most {MAX_DEPTH} objects and lists are nested.", errors=[]
    )


class _Members(list[tuple[str, Any]]):
    """An object's members in the order and number in which they are written."""


class _Altered(str):
    """A number, as it is written, that would change."""


def _literally(text: bytes) -> Any:
    return json.loads(
        text.decode(), object_pairs_hook=_Members, parse_int=_whole, parse_float=_double
    )


def _whole(number: str) -> int | _Altered:
    if len(number) <= SHORT or (len(number) <= 20 and SMALLEST <= int(number) <= LARGEST):
        return 0
    return _Altered(number)


def _double(number: str) -> float | _Altered:
    digits, _, exponent = number.lower().partition("e")
    kept = float(number)
    if repr(kept) == number or (len(digits) <= SHORT and not exponent):
        return kept
    if not digits.strip("-0."):
        return 0.0  # whatever its exponent, which Decimal may not be able to represent
    # If the double is neither 0 nor infinite, Decimal can represent the exponent.
    altered = kept in (0.0, math.inf, -math.inf) or Decimal(number) != Decimal(repr(kept))
    return _Altered(number) if altered else kept


def _errors(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Iterate over (JSON pointer, sentence) of every value that would be altered or lost."""
    if isinstance(value, _Altered):
        yield at, ALTERED.format(number=value if len(value) <= MOST_SHOWN else "…")
    elif isinstance(value, str):
        if "\0" in value:
            yield at, NUL
    elif isinstance(value, _Members):
        names: set[str] = set()
        for name, member in value:
            there = f"{at}/{escaped(name)}"
            if name in names:
                yield there, TWICE
            elif "\0" in name:
                yield there, NUL
            names.add(name)
            yield from _errors(member, there)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _errors(item, f"{at}/{position}")
