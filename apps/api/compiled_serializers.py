"""Serializers compiled to functions: a fast path for input that is plainly valid.

For every value DRF asks its field a dozen questions whose answers never change; that is most of
the cost of validating a body. A compiled reader asks them once, when it is built, and is left with
a loop. Input that it cannot vouch for raises ``NeedsSerializer`` or ``ValidationError``; the
serializer then validates it again, so that every error reported is DRF's own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn, TypeAlias, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.fields import _UnvalidatedField, empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from apps.api import json_types
from apps.api.json_types import AnyField

Reader = Callable[[Any], Any]
AnySerializer: TypeAlias = serializers.Serializer[Any]


class NeedsSerializer(Exception):
    """The input needs the serializer itself, which alone can tell whether it is valid."""


#: Errors that a reader raises for input that the serializer has to validate.
FALLBACK_ERRORS = (NeedsSerializer, serializers.ValidationError, DjangoValidationError)


class _CompiledField(NamedTuple):
    """One field of a compiled serializer.

    ``key`` is the name in the validated data. ``check`` is the serializer's ``validate_<name>``.
    ``missing`` returns the value of an absent field; it is ``None`` where the field is required.
    """

    name: str
    key: str
    read: Reader
    check: Reader | None
    missing: Callable[[], Any] | None


_SKIPPED = object()


def compile_reader(serializer: AnySerializer, plain: type[AnySerializer]) -> Reader:
    """Return a function that validates as ``serializer.run_validation`` does.

    The function raises one of ``FALLBACK_ERRORS`` for input that it cannot vouch for. ``plain`` is
    the class whose ``to_internal_value`` it replaces: a serializer that overrides that method is
    not compiled, and its reader always raises ``NeedsSerializer``.
    """
    kind = type(serializer)
    fields = [(name, field) for name, field in serializer.fields.items() if not field.read_only]
    if (
        kind.to_internal_value is not plain.to_internal_value
        or kind.run_validation is not serializers.Serializer.run_validation
        or serializer.validators
        or any(len(field.source_attrs) != 1 for _, field in fields)
    ):
        return _always_needs_serializer
    parts = [
        _CompiledField(
            name,
            cast(str, field.source),  # set when the serializer bound the field
            _reader(field, plain),
            getattr(serializer, f"validate_{name}", None),
            _missing(field),
        )
        for name, field in fields
    ]

    def read(data: object) -> Any:
        if type(data) is not dict:
            raise NeedsSerializer
        found = {}
        left = len(data)
        for name, key, read_field, check, missing in parts:
            if name in data:
                left -= 1
                value = read_field(data[name])
            elif missing is None:
                raise NeedsSerializer
            elif (value := missing()) is _SKIPPED:
                continue
            found[key] = value if check is None else check(value)
        if left:  # an unknown field
            raise NeedsSerializer
        return serializer.validate(found)

    return read


def _always_needs_serializer(_: object) -> NoReturn:
    raise NeedsSerializer


def _missing(field: AnyField) -> Callable[[], Any] | None:
    if field.required:
        return None
    if field.default is empty:
        return lambda: _SKIPPED
    return field.get_default


def _reader(field: AnyField, plain: type[AnySerializer]) -> Reader:
    kind = type(field)
    if isinstance(field, serializers.Serializer):
        return compile_reader(field, plain)
    if isinstance(field, serializers.CharField):
        if (
            kind.run_validation is serializers.CharField.run_validation
            and not field.trim_whitespace
        ):
            return _text(field)
    elif isinstance(field, serializers.ChoiceField):
        if kind.run_validation is serializers.Field.run_validation and not field.validators:
            return partial(_choice, field.choice_strings_to_values)
    elif isinstance(field, serializers.ListField):
        if kind is serializers.ListField:
            return _list(field, plain)
    elif (
        isinstance(field, serializers.DictField)
        and kind is serializers.DictField
        and isinstance(field.child, _UnvalidatedField)
    ):
        return _object
    return partial(_as_the_field_does, field)


def _as_the_field_does(field: AnyField, value: object) -> Any:
    if json_types.in_json(field, value):
        raise NeedsSerializer
    return field.run_validation(value)


def _text(field: serializers.CharField) -> Reader:
    longest = field.max_length
    convert = field.to_internal_value
    # Replaced by ``_is_storable`` and a length check: DRF's own look at every character in Python.
    known = (
        MaxLengthValidator,
        ProhibitNullCharactersValidator,
        ProhibitSurrogateCharactersValidator,
    )
    # None of them has ``requires_context``.
    others = cast(
        list[Callable[[str], None]],
        [check for check in field.validators if type(check) not in known],
    )

    def read(value: object) -> str:
        if type(value) is not str:
            raise NeedsSerializer
        if not value:
            if field.allow_blank:
                return ""
            raise NeedsSerializer
        text = convert(value)
        if (longest is not None and len(text) > longest) or not _is_storable(text):
            raise NeedsSerializer
        for check in others:
            check(text)
        return text

    return read


def _is_storable(text: str) -> bool:
    """Return whether PostgreSQL can store the text: it has no NUL and no lone surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _choice(values: dict[str, Any], value: object) -> Any:
    if type(value) is not str or value not in values:
        raise NeedsSerializer
    return values[value]


def _list(field: serializers.ListField, plain: type[AnySerializer]) -> Reader:
    read_item = _reader(field.child, plain)

    def read(value: object) -> list[Any]:
        if type(value) is not list or (not value and not field.allow_empty):
            raise NeedsSerializer
        if field.max_length is not None and len(value) > field.max_length:
            raise NeedsSerializer
        items = [read_item(item) for item in value]
        field.run_validators(items)
        return items

    return read


def _object(value: object) -> dict[str, Any]:
    if type(value) is not dict:
        raise NeedsSerializer
    return dict(value)
