"""Reading a request's body."""

from collections.abc import Iterator
from typing import Any

import orjson
from rest_framework.parsers import BaseParser

from apps.publishers.problems import Problem, escaped

DEFAULT_MAX_BODY = 1024 * 1024
#: Objects and lists in each other. What reads deeper than it can write (orjson: 1,024 and 254)
#: takes what it cannot keep.
MAX_DEPTH = 64


class JsonBody(BaseParser):
    """A JSON object in strict UTF-8 of at most the view's ``max_body`` bytes, ``MAX_DEPTH`` deep
    and without NUL characters, which PostgreSQL cannot store."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str, parser_context: dict[str, Any]) -> Any:
        limit = getattr(parser_context["view"], "max_body", DEFAULT_MAX_BODY)
        # The length is not believed: one byte over the limit is enough to know.
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise Problem("payload-too-large", f"Send at most {limit:,} bytes.", limit=limit)
        try:
            read = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Problem(
                "malformed-json",
                f"Send a JSON body in UTF-8. At line {error.lineno}, column {error.colno}: "
                f"{error.msg}.",
            ) from None
        if not isinstance(read, dict):
            raise Problem("invalid-request", "Send a JSON object: {…}.")
        _check_depth(read)
        if b"\\u0000" in body:  # the only way to write one; it may be an escaped backslash's
            _refuse_nul(read)
        return read


def _check_depth(read: dict[str, Any]) -> None:
    level: list[Any] = [read]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in (dict, list)
        ]
        if not level:
            return
    raise Problem(
        "invalid-request", f"Send JSON in which at most {MAX_DEPTH} objects and lists are nested."
    )


def _refuse_nul(read: dict[str, Any]) -> None:
    detail = "Leave out the NUL character (\\u0000): it cannot be stored."
    errors = [{"pointer": pointer, "detail": detail} for pointer in _nuls(read, "")]
    if errors:
        raise Problem("invalid-request", detail, errors=errors)


def _nuls(value: Any, at: str) -> Iterator[str]:
    """JSON pointers to every text, or name of a member, with a NUL in it."""
    if isinstance(value, str):
        if "\0" in value:
            yield at
    elif isinstance(value, dict):
        for name, member in value.items():
            there = f"{at}/{escaped(name)}"
            if "\0" in name:
                yield there
            yield from _nuls(member, there)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _nuls(item, f"{at}/{position}")
