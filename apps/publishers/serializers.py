"""The serializer every other is made from, and those of API keys."""

import threading
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from django.utils import timezone
from rest_framework import serializers
from rest_framework.settings import api_settings

from apps.publishers.problems import UNKNOWN_FIELD
from apps.publishers.scopes import RENAMED, Scope, no_such_scope

MAX_GRACE_SECONDS = 30 * 86400
NOT_TEXT = "Send text: put it in quotes."
S = TypeVar("S", bound=serializers.Serializer)


class Choice(serializers.ChoiceField):
    """One of a few words; an error lists them."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            known = ", ".join(str(choice) for choice in self.choices)
            raise serializers.ValidationError(f"It must be one of: {known}.") from None


class NameField(serializers.CharField):
    """A name, key or id that somebody made up: compared to the letter, so what cannot be seen in
    it is refused, not taken off."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name != name.strip():
            raise serializers.ValidationError("Leave out the spaces at the beginning or end.")
        if not name.isprintable():
            raise serializers.ValidationError("Use printable characters only.")
        return name


class ScopeField(Choice):
    """The name of a scope; an error about one that was renamed says what it is called now."""

    def __init__(self, **options: Any) -> None:
        super().__init__([scope.value for scope in Scope], **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data in RENAMED:
            raise serializers.ValidationError(no_such_scope(data))
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer):
    """A serializer to which a field it does not know is an error that names it, and a number
    where it wants text is one, too (DRF makes text of it). Text is taken verbatim: DRF would take
    the spaces off its ends."""

    def get_fields(self) -> dict[str, serializers.Field]:
        fields = super().get_fields()
        for field in fields.values():
            _take_verbatim(field)
        return fields

    def to_internal_value(self, data: Any) -> Any:
        unknown: dict[str, list[str]] = {}
        if isinstance(data, Mapping):
            known = self._writable_names()
            unknown = {
                str(name): [f"There is no such field. Known are: {', '.join(known)}."]
                for name in data
                if name not in known
            }
        errors: dict[str, Any] = {}
        if unknown:
            errors |= serializers.ValidationError(unknown, code=UNKNOWN_FIELD).detail
        if isinstance(data, Mapping):
            errors |= self._numbers_for_text(data)
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not errors:
                raise
            raise serializers.ValidationError({**error.detail, **errors}) from None
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def _writable_names(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.read_only]

    def _numbers_for_text(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: errors
            for name, field in self.fields.items()
            if name in data and (errors := _number_for_text(field, data[name]))
        }


def _take_verbatim(field: serializers.Field) -> None:
    """Have the texts of a field, or of the items of a list or mapping, not trimmed; one that has
    nothing but spaces is still refused as blank."""
    if isinstance(field, serializers.CharField):
        if field.trim_whitespace and not field.allow_blank:
            field.validators = [*field.validators, _not_blank]
        field.trim_whitespace = False
    elif isinstance(field, (serializers.ListField, serializers.DictField)):
        _take_verbatim(field.child)


def _not_blank(text: str) -> None:
    if not text.strip():
        raise serializers.ValidationError(serializers.CharField.default_error_messages["blank"])


def _number_for_text(field: serializers.Field, value: Any) -> Any:
    """What is wrong with ``value``, in DRF's form, where it has numbers and should have text."""
    if isinstance(field, serializers.CharField):
        return [NOT_TEXT] if isinstance(value, (int, float)) else None
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        inside: Any = enumerate(value)
    elif isinstance(field, serializers.DictField) and isinstance(value, dict):
        inside = value.items()
    else:
        return None
    return {at: errors for at, one in inside if (errors := _number_for_text(field.child, one))}


class _Made(threading.local):
    """Serializers of this thread."""

    def __init__(self) -> None:
        self.of: dict[type[serializers.Serializer], serializers.Serializer] = {}


_made = _Made()


def made(kind: type[S]) -> S:
    """A serializer of this kind without data, made once a thread.

    Reading and showing with it is as good as with a new one, for which DRF copies every field:
    more work than all of the reading.
    """
    found = _made.of.get(kind)
    if found is None:
        found = _made.of[kind] = kind()
    return cast(S, found)


def read(kind: type[StrictSerializer], data: Any) -> Any:
    """What was posted, validated. Raises ``ValidationError`` as ``is_valid`` does."""
    try:
        return made(kind).run_validation(data)
    except serializers.ValidationError as error:
        if isinstance(error.detail, dict):
            raise
        raise serializers.ValidationError(
            {api_settings.NON_FIELD_ERRORS_KEY: error.detail}
        ) from None


class NewKey(StrictSerializer):
    """A key to be made, for the publisher that asks."""

    name = serializers.CharField(max_length=100, required=False, default="")
    scopes = serializers.ListField(
        child=ScopeField(),
        allow_empty=False,
        max_length=len(Scope),
        help_text="some or all of the scopes of the key that asks",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value):
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("Give a time that is yet to come.")
        return value


class Rotation(StrictSerializer):
    """How long the old key still works."""

    grace_seconds = serializers.IntegerField(
        required=False, default=86400, min_value=0, max_value=MAX_GRACE_SECONDS
    )


class Revocation(StrictSerializer):
    """What else ends with a key that is revoked."""

    family = serializers.BooleanField(
        required=False,
        default=False,
        help_text="the keys that it replaced or that replaced it, too, and what those made",
    )


class KeyRow(serializers.Serializer):
    """A key, without its secret."""

    prefix = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="to the minute")
    made_by = serializers.CharField(
        help_text="the prefix of the key that made it, `jwt:` and a publisher's name for a token, "
        "or the operators' command; empty where that is not known"
    )


class KeyMade(KeyRow):
    """A key that was just made."""

    key = serializers.CharField(help_text="the key itself; it is not shown again")
