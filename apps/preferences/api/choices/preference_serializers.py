"""Request and response bodies of the endpoints for preferences."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import NameField, StrictSerializer
from apps.preferences.api.choices.contradictions import ConsistentPreferences
from apps.preferences.api.fields import MAX_BULK, CategoryField, ChannelField


class PreferenceIn(StrictSerializer):
    """A preference. A channel, topic or category that is left out or null means any."""

    # No default, which generators for typed languages cannot write for a choice that may be null.
    channel = ChannelField(required=False, allow_blank=True, allow_null=True)
    topic = NameField(required=False, default="", allow_blank=True, allow_null=True, max_length=200)
    category = CategoryField(
        required=False,
        default="",
        allow_blank=True,
        allow_null=True,
        help_text="in any case; stored in lower case",
    )
    allowed = serializers.BooleanField()

    class Meta:
        list_serializer_class = ConsistentPreferences

    def validate(self, preference: dict[str, Any]) -> dict[str, Any]:
        names = ("channel", "topic", "category")
        preference |= {name: preference.get(name) or "" for name in names}
        if preference["topic"] and preference["category"]:
            raise serializers.ValidationError(
                {"category": ["Name a topic or a category, not both: a topic has its own."]}
            )
        return preference


@extend_schema_serializer(component_name="PreferenceChange")
class PreferenceChangeIn(PreferenceIn):
    """A preference, or with `allowed: null` its withdrawal."""

    allowed = serializers.BooleanField(allow_null=True)


class PreferencesIn(StrictSerializer):
    """All preferences of a recipient."""

    preferences = PreferenceIn.many_init(max_length=MAX_BULK)


@extend_schema_serializer(component_name="PreferencesChange")
class PreferencesChangeIn(StrictSerializer):
    """Some preferences of a recipient."""

    preferences = PreferenceChangeIn.many_init(max_length=MAX_BULK)


@extend_schema_serializer(component_name="PreferenceRow")
class PreferenceOut(serializers.Serializer[Mapping[str, object]]):
    """A preference; null means any."""

    channel = serializers.CharField(allow_null=True)
    topic = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_null=True)
    allowed = serializers.BooleanField()


class PreferencesOut(serializers.Serializer[Mapping[str, object]]):
    """A recipient's preferences."""

    preferences = PreferenceOut(many=True)
