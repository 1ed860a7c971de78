"""What the doors to dead letters read and write."""

from typing import Any

from rest_framework import serializers

from apps.api.pagination import PageQuery
from apps.api.serializers import NameField, StrictSerializer
from apps.delivery.api.serializers import DeliveryOut
from apps.delivery.models import DeadLetter, Delivery
from apps.preferences.api.serializers import ChannelField

IDS_LIMIT = 1_000


class DeadLettersQuery(PageQuery):
    """Which dead letters to list."""

    topic = NameField(max_length=200, required=False, help_text="its name")
    channel = ChannelField(required=False)
    provider = NameField(max_length=40, required=False)
    reason = NameField(max_length=40, required=False)


class MatchIn(StrictSerializer):
    """What the dead letters have in common; with nothing named, all of yours match."""

    topic = NameField(max_length=200, required=False, help_text="its name")
    channel = ChannelField(required=False)
    provider = NameField(max_length=40, required=False)
    reason = NameField(max_length=40, required=False)
    died_after = serializers.DateTimeField(required=False, help_text="at this time or later")
    died_before = serializers.DateTimeField(required=False, help_text="before this time")


class RedriveIn(StrictSerializer):
    """Which dead letters to put back: give `ids` or `match`."""

    ids = serializers.ListField(
        child=serializers.CharField(max_length=40),
        min_length=1,
        max_length=IDS_LIMIT,
        required=False,
        help_text="deliveries, as `dlv_…`",
    )
    match = MatchIn(required=False)
    cursor = serializers.CharField(
        required=False, help_text="with match: `next` of the answer before"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("match" in attrs):
            raise serializers.ValidationError("Give ids or match: one of the two.")
        if "cursor" in attrs and "ids" in attrs:
            raise serializers.ValidationError({"cursor": ["This goes with a match."]})
        return attrs


class RedrivenOut(serializers.Serializer):
    """What was put back."""

    redriven = serializers.IntegerField()
    unknown = serializers.ListField(
        child=serializers.CharField(), help_text="ids that are no dead letters of yours"
    )
    more = serializers.BooleanField(help_text="some that match may be left: call again")
    next = serializers.CharField(
        default=None, allow_null=True, help_text="the `cursor` of the call after, null on the last"
    )


class DeadLetterRow(serializers.ModelSerializer):
    """A delivery that is dead."""

    id = serializers.SerializerMethodField()
    notification_id = serializers.UUIDField(source="delivery.notification_id")
    topic = serializers.CharField(source="topic.name", default=None, allow_null=True)
    user_id = serializers.SerializerMethodField(help_text="null for another publisher's topic")
    address = serializers.SerializerMethodField(
        help_text="masked; null for another publisher's topic"
    )

    class Meta:
        model = DeadLetter
        fields = (
            "id",
            "notification_id",
            "topic",
            "channel",
            "provider",
            "reason",
            "user_id",
            "address",
            "died_at",
        )

    def get_id(self, row: DeadLetter) -> str:
        return row.delivery.public_id

    def get_user_id(self, row: DeadLetter) -> str | None:
        return self.context["user_ids"].get(row.delivery_id)

    def get_address(self, row: DeadLetter) -> str | None:
        return self.context["masked"].get(row.delivery_id)


class DeadLetterOut(DeliveryOut):
    """A delivery that is dead, with every attempt."""

    notification_id = serializers.UUIDField()
    topic = serializers.CharField(source="notification.topic.name", default=None, allow_null=True)
    died_at = serializers.DateTimeField(source="deadletter.died_at")

    class Meta:
        model = Delivery
        fields = (*DeliveryOut.Meta.fields, "notification_id", "topic", "died_at")
