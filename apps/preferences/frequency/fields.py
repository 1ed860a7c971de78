"""Frequency caps in requests and answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from apps.api.serializers import Choice, StrictSerializer
from apps.preferences.api.fields import CategoryField, ChannelField
from notifier.domain.frequency import MOST, Per

#: Caps of one category or one person.
MOST_CAPS = 50


class CategoryCapIn(StrictSerializer):
    """At most `limit` notifications of the category to one person on a channel."""

    channel = ChannelField()
    limit = serializers.IntegerField(min_value=0, max_value=MOST)
    per = Choice([per.value for per in Per], help_text="within any hour, day or week")


class FrequencyCapIn(CategoryCapIn):
    """At most `limit` notifications to the person on a channel."""

    category = CategoryField(
        required=False,
        default="",
        allow_null=True,
        allow_blank=True,
        help_text="only those of this category; without, all on the channel",
    )

    def validate(self, cap: dict[str, Any]) -> dict[str, Any]:
        return {**cap, "category": cap["category"] or ""}


class CategoryCapOut(serializers.Serializer[Mapping[str, object]]):
    """A cap of a category."""

    channel = serializers.CharField()
    limit = serializers.IntegerField()
    per = serializers.ChoiceField([per.value for per in Per])


class FrequencyCapOut(CategoryCapOut):
    """A person's own cap."""

    category = serializers.CharField(allow_null=True)


def check_once(caps: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return caps of which no two say the same thing. Raises ``ValidationError``."""
    about = [(one["channel"], one.get("category", ""), one["per"]) for one in caps]
    if len(set(about)) < len(about):
        raise serializers.ValidationError("Two caps are for the same channel, category and time.")
    return caps
