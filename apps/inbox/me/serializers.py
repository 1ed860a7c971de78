"""Request and response bodies of the endpoints for a person's own settings."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.api.serializers import StrictSerializer
from apps.preferences.api.fields import LocaleField, TimeZoneField
from apps.preferences.digests.fields import MOST_CHOICES, DigestChoiceIn, DigestChoiceOut
from apps.preferences.digests.fields import check_once as check_choices
from apps.preferences.frequency.fields import (
    MOST_CAPS,
    FrequencyCapIn,
    FrequencyCapOut,
    check_once,
)
from notifier.domain.categories import CategoryKind


class MeChangeIn(StrictSerializer):
    """Changes that a person makes of themselves. What is left out stays as it is."""

    locale = LocaleField(required=False, help_text="BCP 47, e.g. de-AT")
    time_zone = TimeZoneField(required=False)
    frequency_caps = FrequencyCapIn.many_init(
        required=False,
        max_length=MOST_CAPS,
        help_text="how many notifications you are sent at most; they replace all others",
    )

    digests = DigestChoiceIn.many_init(
        required=False,
        max_length=MOST_CHOICES,
        help_text="how often you want to be sent what may wait; they replace all others",
    )

    def validate_frequency_caps(self, caps: list[dict[str, Any]]) -> Any:
        return check_once(caps)

    def validate_digests(self, choices: list[dict[str, Any]]) -> Any:
        return check_choices(choices)


class LocaleOut(serializers.Serializer[Mapping[str, object]]):
    """A language to choose."""

    locale = serializers.CharField(help_text="BCP 47")
    name = serializers.CharField(help_text="as its speakers call it")


class MeOut(serializers.Serializer[Mapping[str, object]]):
    """The person whose token it is."""

    user_id = serializers.CharField()
    name = serializers.CharField()
    locale = serializers.CharField()
    time_zone = serializers.CharField()
    frequency_caps = FrequencyCapOut(many=True)
    digests = DigestChoiceOut(many=True)
    channels = serializers.ListField(
        child=serializers.CharField(), help_text="where they are reached now"
    )
    quiet_channels = serializers.ListField(
        child=serializers.CharField(), help_text="those of them that may have quiet hours"
    )
    locales = LocaleOut(
        many=True, help_text="languages of Notifier's own texts, and the person's locale"
    )
    sms_stopped = serializers.BooleanField(
        help_text="they wrote STOP to a sender: a START from the phone undoes it"
    )


class MyCategoryOut(serializers.Serializer[Mapping[str, object]]):
    """A category as the person reads it, and on which channels they get it."""

    name = serializers.CharField(help_text="to be named in preferences")
    display_name = serializers.CharField(help_text="in the person's language")
    description = serializers.CharField(help_text="in the person's language")
    kind = serializers.ChoiceField([kind.value for kind in CategoryKind])
    channels = serializers.DictField(
        child=serializers.BooleanField(),
        help_text="whether it is sent there, by their preferences and its defaults; a preference "
        "for a topic goes before it",
    )


class MyCategoriesOut(serializers.Serializer[Mapping[str, object]]):
    """The catalogue, in the order of the page."""

    categories = MyCategoryOut(many=True)


class MyTopicOut(serializers.Serializer[Mapping[str, object]]):
    """A topic that the person is subscribed to, and whether it is sent on each channel."""

    name = serializers.CharField(help_text="to be named in preferences")
    display_name = serializers.CharField()
    publisher = serializers.CharField(help_text="who sends it, as people read it")
    category = serializers.CharField(help_text="folded; empty if it has none")
    always_sent = serializers.BooleanField(
        help_text="it is mandatory or its category critical: preferences apply to its messages of "
        "other categories alone"
    )
    channels = serializers.DictField(
        child=serializers.BooleanField(),
        help_text="whether it is sent there. Of what is always sent: only where something was "
        "chosen about it",
    )


class MyTopicsOut(serializers.Serializer[Mapping[str, object]]):
    """The topics that the person is subscribed to, by display name."""

    topics = MyTopicOut(many=True)
