"""Strict serializers, the base of every request body and query, and the fields they share."""

import json
import threading
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar, TypeVar, cast

from rest_framework import serializers
from rest_framework.settings import api_settings

from apps.api import json_types
from apps.api.compiled_serializers import FALLBACK_ERRORS, AnySerializer, Reader, compile_reader
from apps.api.json_types import AnyField, Errors
from apps.api.problems import MOST_ERRORS, UNKNOWN_FIELD
from notifier.domain.characters import all_visible

NOT_A_TIME = "Write a time as in 2026-11-22T10:00:00Z (ISO 8601)."
#: Characters of the input that an error repeats.
LONGEST_SHOWN = 100
S = TypeVar("S", bound=AnySerializer)


class Choice(serializers.ChoiceField):
    """A field with a few allowed words. An error lists them, followed by the hint ``instead``."""

    def __init__(self, choices: Sequence[str], instead: str = "", **options: Any) -> None:
        super().__init__(choices, **options)
        self.instead = instead

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            known = ", ".join(str(choice) for choice in self.choices)
            raise serializers.ValidationError(
                f"It must be one of: {known}.{self.instead and ' '}{self.instead}"
            ) from None


class Items(serializers.ListField):
    """The items of a bulk call: the view validates them one by one and returns a result for each.

    ``item`` is the serializer of one item, for the OpenAPI document.
    """

    def __init__(self, item: type["StrictSerializer"], **options: Any) -> None:
        super().__init__(allow_empty=False, **options)
        self.item = item

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        return data


class NameField(serializers.CharField):
    """A name, key or id that a client chose.

    Names are compared byte by byte, so that invisible characters are refused and not removed.
    """

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name != name.strip():
            raise serializers.ValidationError("Leave out the spaces at the beginning or end.")
        if name and not all_visible(name):
            raise serializers.ValidationError("Use printable characters only.")
        return name


class PathNameField(serializers.RegexField):
    """The name of a topic, template or group, which is a segment of paths."""

    def __init__(self, **options: Any) -> None:
        said = "A name has letters, digits and . _ : - only, and begins with a letter or digit."
        super().__init__(
            r"^[A-Za-z0-9][A-Za-z0-9._:-]*\Z",
            max_length=200,
            error_messages={"invalid": said},
            **options,
        )


NOT_A_LIST = "Send a list, in brackets, also for a single one."
NOT_AN_OBJECT = 'Send an object: {{"name": …}}.'  # DRF formats it


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that accepts what it documents and nothing else.

    An unknown field is an error that names it. So is a value of another JSON type, which DRF would
    convert ("yes" to true, 7 to "7"). Text is taken verbatim: DRF would strip it.
    """

    #: The field to suggest where a plain text is sent in place of the object.
    text_field: ClassVar[str] = ""

    def get_fields(self) -> dict[str, AnyField]:
        fields = super().get_fields()
        for field in fields.values():
            _prepare(field)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                {api_settings.NON_FIELD_ERRORS_KEY: [self._object_hint(data)]}
            )
        errors = self._strict_errors(data)
        if errors:  # fields that have one are not validated again
            data = {name: value for name, value in data.items() if name not in errors}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not errors:
                raise
            detail = cast("dict[str, Any]", error.detail)  # a serializer's is never a list
            raise serializers.ValidationError({**detail, **errors}) from None
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def _strict_errors(self, data: Mapping[str, object]) -> dict[str, Any]:
        """Return the errors in names and types, in the shape of DRF's ``detail``."""
        known = self._writable_names()
        unknown: dict[str, list[str]] = {}
        errors: dict[str, Any] = {}
        strange = [str(name) for name in data if name not in known]
        named = strange if len(strange) <= MOST_ERRORS else strange[: MOST_ERRORS - 1]
        for name in named:
            unknown[name] = [_no_such_field(name, known)]
        if more := len(strange) - len(named):
            said = f"There are {more:,} more fields that do not exist."
            unknown[api_settings.NON_FIELD_ERRORS_KEY] = [said]
        for name, value in data.items():
            if name not in known:
                continue
            if wrong := self.type_errors(self.fields[name], value):
                errors[name] = wrong
        if unknown:
            found = serializers.ValidationError(unknown, code=UNKNOWN_FIELD)
            errors |= cast("dict[str, Any]", found.detail)  # in the shape of ``unknown``
        return errors

    def type_errors(self, field: AnyField, value: Any) -> Errors | None:
        """Return the errors in the type of a field's value, ``None`` if there are none."""
        return json_types.in_json(field, value)

    def _writable_names(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.read_only]

    def _object_hint(self, data: object) -> str:
        """Return the hint for input that is not an object."""
        if self.text_field and isinstance(data, str) and len(data) <= LONGEST_SHOWN:
            shown = json.dumps({self.text_field: data}, ensure_ascii=False)
            return f"Send an object: {shown}."
        return f"Send an object with these fields: {', '.join(self._writable_names())}."


class QueryParameters(StrictSerializer):
    """Query parameters, whose values are text."""

    def type_errors(self, field: AnyField, value: Any) -> Errors | None:
        return json_types.in_query(field, value)


def _no_such_field(name: str, known: Sequence[str]) -> str:
    close = {_plain(one): one for one in known}
    meant = get_close_matches(_plain(name[:LONGEST_SHOWN]), close, n=1, cutoff=0.7)
    hint = f"Did you mean {close[meant[0]]}? " if meant else ""
    return f"There is no such field. {hint}Known are: {', '.join(known)}."


def _plain(name: str) -> str:
    """Normalize a name: ``userId``, ``user-id`` and ``USER_ID`` are alike."""
    return "".join(filter(str.isalnum, name)).lower()


def _prepare(field: AnyField | None) -> None:
    """Take text verbatim and give times, lists and objects helpful errors, at any depth.

    Text of nothing but spaces is still refused as blank.
    """
    if isinstance(field, serializers.CharField):
        if field.trim_whitespace and not field.allow_blank:
            field.validators = [*field.validators, _not_blank]
        field.trim_whitespace = False
    elif isinstance(field, serializers.DateTimeField):
        field.error_messages = {**field.error_messages, "invalid": NOT_A_TIME, "date": NOT_A_TIME}
    elif isinstance(field, (serializers.ListField, serializers.ListSerializer)):
        field.error_messages = {**field.error_messages, "not_a_list": NOT_A_LIST}
        _prepare(field.child)
    elif isinstance(field, serializers.DictField):
        field.error_messages = {**field.error_messages, "not_a_dict": NOT_AN_OBJECT}
        _prepare(field.child)


def _not_blank(text: str) -> None:
    """Raise ``ValidationError`` for text of nothing but spaces."""
    if not text.strip():
        raise serializers.ValidationError(serializers.CharField.default_error_messages["blank"])


class _ThreadLocal(threading.local):
    """This thread's serializers and their compiled readers, by class."""

    def __init__(self) -> None:
        self.of: dict[type[AnySerializer], AnySerializer] = {}
        self.readers: dict[type[AnySerializer], Reader] = {}


_local = _ThreadLocal()


def shared_serializer(kind: type[S]) -> S:
    """Return this thread's serializer of a class, without data, to validate or render with.

    For a new instance DRF copies every field, which costs more than the validation itself.
    """
    found = _local.of.get(kind)
    if found is None:
        found = _local.of[kind] = kind()
    return cast(S, found)


def read(kind: type[StrictSerializer], data: Any) -> Any:
    """Validate a body. Raises ``ValidationError`` as ``is_valid(raise_exception=True)`` does."""
    reader = _local.readers.get(kind)
    if reader is None:
        reader = _local.readers[kind] = compile_reader(shared_serializer(kind), StrictSerializer)
    try:
        return reader(data)
    except FALLBACK_ERRORS:
        return _read_with_drf(kind, data)


def _read_with_drf(kind: type[StrictSerializer], data: Any) -> Any:
    """Validate with DRF itself, whose errors are the ones to report."""
    try:
        return shared_serializer(kind).run_validation(data)
    except serializers.ValidationError as error:
        if isinstance(error.detail, dict):
            raise
        raise serializers.ValidationError(
            {api_settings.NON_FIELD_ERRORS_KEY: error.detail}
        ) from None
