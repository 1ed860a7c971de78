"""Strict JSON types: DRF would accept values of other types and convert them."""

import re
from collections.abc import Iterable
from typing import Any, TypeAlias, TypeGuard

from rest_framework import serializers

#: A field, or a serializer, of any type of value.
AnyField: TypeAlias = serializers.Field[Any, Any, Any, Any]
#: Errors in the shape of DRF's ``ValidationError.detail``: a field's, or its items' by key.
Errors: TypeAlias = list[str] | dict[Any, Any]

NOT_TEXT = "Send text: put it in quotes."
NOT_BOOLEAN = "Send true or false, without quotes."
NOT_WHOLE = "Send a whole number, without quotes."
NOT_NUMBER = "Send a number, without quotes."
TOO_MANY = "Send at most {most:,}; there are {number:,}."
_WHOLE = re.compile(r"-?[0-9]+")


def in_json(field: AnyField, value: object) -> Errors | None:
    """Return the errors in a value's JSON type or a list's length, ``None`` if there are none.

    ``null`` is left to the field, which knows whether it is allowed.
    """
    if value is None:
        return None
    if isinstance(field, serializers.CharField):
        return None if isinstance(value, str) else [NOT_TEXT]
    if isinstance(field, serializers.BooleanField):
        return None if isinstance(value, bool) else [NOT_BOOLEAN]
    if isinstance(field, serializers.IntegerField):
        return None if _is_number(value) and value == value // 1 else [NOT_WHOLE]
    if isinstance(field, serializers.FloatField):
        return None if _is_number(value) else [NOT_NUMBER]
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        if field.max_length is not None and len(value) > field.max_length:
            # DRF would validate every item before it looks at the length.
            return [TOO_MANY.format(most=field.max_length, number=len(value))]
        inside: Iterable[tuple[Any, Any]] = enumerate(value)
    elif isinstance(field, serializers.DictField) and isinstance(value, dict):
        inside = value.items()
    else:
        return None
    return {at: wrong for at, one in inside if (wrong := in_json(field.child, one))} or None


def in_query(field: AnyField, value: str) -> Errors | None:
    """Return the errors in a query parameter's text, which ``int`` would take as "+1" or "1_0"."""
    if isinstance(field, serializers.IntegerField) and not _WHOLE.fullmatch(value):
        return ["Send a whole number."]
    if isinstance(field, serializers.BooleanField) and value not in ("true", "false"):
        return ["Send true or false."]
    return None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
