"""Request and response bodies of the endpoints for categories."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError as InvalidRow
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.serializers import Choice, StrictSerializer
from apps.preferences.api.fields import LocaleField
from apps.preferences.digests.fields import CategoryDigestIn, CategoryDigestOut
from apps.preferences.frequency.fields import MOST_CAPS, CategoryCapIn, CategoryCapOut, check_once
from apps.preferences.models import Category
from notifier.domain.categories import DEFAULT, CategoryKind

#: Languages of one text, and characters of each.
MOST_LOCALES = 60
LONGEST_DISPLAY_NAME = 200
LONGEST_DESCRIPTION = 1_000
#: The fields of a category that requests write.
WRITTEN = (
    "kind",
    "default_locale",
    "display_name",
    "description",
    "defaults",
    "position",
    "frequency_caps",
    "digest",
)


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class TextsField(serializers.DictField):
    """A text by locale."""

    def __init__(self, longest: int, **options: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=longest), **options)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        texts: dict[str, str] = super().to_internal_value(data)
        if len(texts) > MOST_LOCALES:
            raise serializers.ValidationError(f"At most {MOST_LOCALES} languages are kept.")
        found = {LocaleField().run_validation(locale): text for locale, text in texts.items()}
        if len({locale.lower() for locale in found}) < len(texts):
            raise serializers.ValidationError("One of the languages is named twice.")
        return found


@extend_schema_field({"type": "object", "additionalProperties": {"type": "boolean"}})
class DefaultsField(serializers.DictField):
    """The channels on which a category is sent to people who have chosen nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.BooleanField(), **options)

    def to_internal_value(self, data: Any) -> dict[str, bool]:
        if isinstance(data, Mapping):
            for channel, on in data.items():
                if channel not in settings.CHANNELS:
                    known = ", ".join(settings.CHANNELS)
                    raise serializers.ValidationError(
                        f"There is no channel {channel!r}. There are: {known}."
                    )
                if not isinstance(on, bool):
                    raise serializers.ValidationError({channel: ["Write true or false."]})
        found: dict[str, bool] = super().to_internal_value(data)
        return found


class CategoryIn(StrictSerializer):
    """A category to create or change. What is left out stays as it is."""

    kind = Choice(
        [kind.value for kind in CategoryKind],
        required=False,
        help_text="critical: nobody can refuse it. transactional if a new one does not say",
    )
    default_locale = LocaleField(
        required=False,
        help_text="of readers whose own locale has no text; `en` if a new one does not say",
    )
    display_name = TextsField(
        LONGEST_DISPLAY_NAME, required=False, help_text="what people read in place of its name"
    )
    description = TextsField(
        LONGEST_DESCRIPTION, required=False, help_text="what it is about, for people"
    )
    defaults = DefaultsField(
        required=False,
        help_text="by channel, for people who have chosen nothing; true if left out",
    )
    position = serializers.IntegerField(
        min_value=0, max_value=32_767, required=False, help_text="its place on people's pages"
    )
    frequency_caps = CategoryCapIn.many_init(
        required=False,
        max_length=MOST_CAPS,
        help_text="how many of it one person is sent at most; they replace all others",
    )

    digest = CategoryDigestIn(
        required=False,
        allow_null=True,
        help_text="tell each person of it together, unless they choose otherwise; null: at once",
    )

    def validate_frequency_caps(self, caps: list[dict[str, Any]]) -> Any:
        return check_once(caps)


class CategoryOut(serializers.Serializer[Category]):
    """A category."""

    name = serializers.CharField()
    kind = serializers.ChoiceField([kind.value for kind in CategoryKind])
    default_locale = serializers.CharField()
    display_name = TextsField(LONGEST_DISPLAY_NAME)
    description = TextsField(LONGEST_DESCRIPTION)
    defaults = DefaultsField()
    position = serializers.IntegerField()
    frequency_caps = serializers.SerializerMethodField()
    digest = CategoryDigestOut(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(CategoryCapOut(many=True))
    def get_frequency_caps(self, row: Category) -> list[dict[str, Any]]:
        return row.frequency_caps or []  # null in rows from before the column


def check(name: str, fields: Mapping[str, Any]) -> None:
    """Check a category's fields against each other, those that a change leaves out included.

    Raises ``ValidationError``.
    """
    errors: dict[str, list[str]] = {}
    default = fields["default_locale"].lower()
    for text in ("display_name", "description"):
        if fields[text] and default not in {locale.lower() for locale in fields[text]}:
            errors[text] = [f"Add one in {fields['default_locale']}, the default locale."]
    if fields["kind"] == CategoryKind.CRITICAL and not all(fields["defaults"].values()):
        errors["defaults"] = ["Nobody can refuse a critical category, so it is off nowhere."]
    if fields["kind"] == CategoryKind.CRITICAL and fields["frequency_caps"]:
        errors["frequency_caps"] = ["A critical category is sent however often it has to be."]
    if fields["kind"] == CategoryKind.CRITICAL and fields["digest"] is not None:
        errors["digest"] = ["A critical category waits for no digest."]
    if fields["kind"] == CategoryKind.CRITICAL and name == DEFAULT:
        errors["kind"] = ["Whatever names no category has this one: it cannot be critical."]
    if errors:
        raise serializers.ValidationError(errors)


def written(row: Category) -> dict[str, Any]:
    """Return the fields of a row that requests write."""
    return {name: getattr(row, name) for name in WRITTEN} | {
        "frequency_caps": row.frequency_caps or []
    }


def normalize_row(row: Category) -> None:
    """Check a row that was written by hand, and write it as the API would have.

    Raises Django's ``ValidationError``.
    """
    try:
        fields = CategoryIn().run_validation(written(row))
        check(row.name, fields)
    except serializers.ValidationError as error:
        detail: Any = error.detail
        raise InvalidRow({name: _sentences(found) for name, found in detail.items()}) from None
    for name, value in fields.items():
        setattr(row, name, value)


def _sentences(found: Any) -> list[str]:
    """Flatten DRF's errors of one field."""
    if isinstance(found, Mapping):
        return [f"{key}: {one}" for key, inner in found.items() for one in _sentences(inner)]
    return [str(one) for one in found]
