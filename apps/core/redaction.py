"""Take a person's name out of stored JSON: answers, audit events, texts for people."""

from typing import Any

import orjson

#: Stands in stored texts and lists where the ``user_id`` of an erased person was.
ERASED = "[erased]"
#: Members of stored JSON that have a ``user_id``, or a list with some.
NAMING = frozenset({"user_id", "user_ids", "names", "recipient"})


def written(user_id: str) -> str:
    """Return a ``user_id`` as the text of a JSON document has it, without its quotes."""
    return orjson.dumps(user_id).decode()[1:-1]


def quoted(text: str, user_id: str) -> str:
    """Return a sentence without the ``user_id``, which sentences quote as Python does."""
    return text.replace(repr(user_id), ERASED)


def redacted(value: Any, user_id: str, member: str = "") -> Any:
    """Return a JSON value without the ``user_id``: members that name people, and quotations.

    Nothing else is looked at, since a ``user_id`` may be as short as ``1``. ``member``: of what
    object the value is a member.
    """
    if isinstance(value, str):
        return ERASED if member in NAMING and value == user_id else quoted(value, user_id)
    if isinstance(value, list):
        return [redacted(one, user_id, member) for one in value]
    if isinstance(value, dict):
        return {name: redacted(one, user_id, name) for name, one in value.items()}
    return value
