"""Digests in requests and answers."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.api.serializers import Choice, NameField, StrictSerializer
from apps.preferences.api.fields import CategoryField
from notifier.domain import digests
from notifier.domain.digests import KEY_LIMIT, LONGEST, SHORTEST, Cadence

#: Choices of one person.
MOST_CHOICES = 100


class TimeOfDayField(serializers.CharField):
    """A time of day, as ``09:00``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=5, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not digests.is_time(text):
            raise serializers.ValidationError("Write a time of day, as in 09:00.")
        return text


class CategoryDigestIn(StrictSerializer):
    """Notifications of the category that a person is told in one message."""

    window = serializers.IntegerField(
        min_value=SHORTEST,
        max_value=LONGEST,
        required=False,
        help_text="seconds from the first one until it is told; either this or `at`",
    )
    at = TimeOfDayField(
        required=False, help_text="the time of day in each recipient's zone at which it is told"
    )
    template = NameField(
        max_length=100,
        required=False,
        help_text="the publisher's template that tells it; without, they are listed",
    )

    def validate(self, digest: dict[str, Any]) -> dict[str, Any]:
        if ("window" in digest) == ("at" in digest):
            raise serializers.ValidationError("Give either window or at.")
        return digest


class DigestIn(CategoryDigestIn):
    """Tell it together with others under the same key, in one message."""

    key = NameField(
        max_length=KEY_LIMIT,
        required=False,
        default="",
        allow_blank=True,
        help_text="those with the same key are told together; without, all of the category",
    )


class CategoryDigestOut(serializers.Serializer[Mapping[str, object]]):
    """The digest of a category."""

    window = serializers.IntegerField(required=False)
    at = serializers.CharField(required=False)
    template = serializers.CharField(required=False)


class DigestOut(CategoryDigestOut):
    """The digest that a notification asked for."""

    key = serializers.CharField()


class DigestChoiceIn(StrictSerializer):
    """The person's choice of how often to be sent a category."""

    category = CategoryField(
        required=False,
        default="",
        allow_null=True,
        allow_blank=True,
        help_text="without, all that have no choice of their own",
    )
    cadence = Choice([one.value for one in Cadence])

    def validate(self, choice: dict[str, Any]) -> dict[str, Any]:
        return {**choice, "category": choice["category"] or ""}


class DigestChoiceOut(serializers.Serializer[Mapping[str, object]]):
    """A person's choice of how often to be sent a category."""

    category = serializers.CharField(allow_null=True)
    cadence = serializers.ChoiceField([one.value for one in Cadence])


def check_once(choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return choices of which no two are for one category. Raises ``ValidationError``."""
    about = [one["category"] for one in choices]
    if len(set(about)) < len(about):
        raise serializers.ValidationError("Two choices are for the same category.")
    return choices
