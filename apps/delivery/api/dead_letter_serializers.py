"""Serializers of the dead letter endpoints."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.pagination import PageQuery
from apps.api.serializers import NameField, StrictSerializer
from apps.delivery.api.notification_serializers import DeliveryOut
from apps.delivery.models import DeadLetter, Delivery
from apps.delivery.operations.dead_letters import Redriven
from apps.preferences.api.fields import ChannelField

IDS_LIMIT = 1_000


class DeadLettersQuery(PageQuery):
    """Query parameters that select dead letters."""

    topic = NameField(max_length=200, required=False, help_text="its name")
    channel = ChannelField(required=False)
    provider = NameField(max_length=40, required=False)
    reason = NameField(max_length=40, required=False)


class MatchIn(StrictSerializer):
    """Criteria that dead letters must meet. An empty object matches all of yours."""

    topic = NameField(max_length=200, required=False, help_text="its name")
    channel = ChannelField(required=False)
    provider = NameField(max_length=40, required=False)
    reason = NameField(max_length=40, required=False)
    died_after = serializers.DateTimeField(required=False, help_text="at this time or later")
    died_before = serializers.DateTimeField(required=False, help_text="before this time")


class MatchBody(TypedDict, total=False):
    """The validated body of ``MatchIn``."""

    topic: str
    channel: str
    provider: str
    reason: str
    died_after: datetime
    died_before: datetime


class RedriveBody(TypedDict, total=False):
    """The validated body of ``RedriveIn``."""

    ids: list[str]
    match: MatchBody
    cursor: str


class RedriveIn(StrictSerializer):
    """The dead letters to redrive: give either `ids` or `match`."""

    ids = serializers.ListField(
        child=serializers.CharField(max_length=40),
        min_length=1,
        max_length=IDS_LIMIT,
        required=False,
        help_text="ids of deliveries, `dlv_…`",
    )
    match = MatchIn(required=False)
    cursor = serializers.CharField(
        required=False, help_text="with `match`: `next` of the previous answer"
    )

    def validate(self, attrs: RedriveBody) -> RedriveBody:
        if ("ids" in attrs) == ("match" in attrs):
            raise serializers.ValidationError("Give either ids or match.")
        if "cursor" in attrs and "ids" in attrs:
            raise serializers.ValidationError({"cursor": ["A cursor needs match."]})
        return attrs


class RedrivenOut(serializers.Serializer[Redriven]):
    """The result of a redrive."""

    redriven = serializers.IntegerField()
    unknown = serializers.ListField(
        child=serializers.CharField(), help_text="ids that are not dead letters of yours"
    )
    busy = serializers.ListField(
        child=serializers.CharField(),
        help_text="ids of dead letters that something else was changing: name them in a later call",
    )
    gone = serializers.SerializerMethodField(
        help_text="number of those that match and cannot be redriven: their content is deleted"
    )
    more = serializers.BooleanField(help_text="whether others may match: call again with `next`")
    next = serializers.CharField(
        default=None, allow_null=True, help_text="`cursor` for the next call, null on the last"
    )

    def get_gone(self, done: Redriven) -> int:
        return len(done.gone)


@extend_schema_serializer(component_name="DeadLetterRow")
class DeadLetterSummaryOut(serializers.ModelSerializer[DeadLetter]):
    """A dead letter in a list."""

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
        user_ids: Mapping[int, str | None] = self.context["user_ids"]
        return user_ids.get(row.delivery_id)

    def get_address(self, row: DeadLetter) -> str | None:
        masked: Mapping[int, str | None] = self.context["masked"]
        return masked.get(row.delivery_id)


class DeadLetterOut(DeliveryOut):
    """A dead letter with every attempt."""

    notification_id = serializers.UUIDField()
    topic = serializers.CharField(source="notification.topic.name", default=None, allow_null=True)
    died_at = serializers.DateTimeField(source="deadletter.died_at")

    class Meta:
        model = Delivery
        fields = (*DeliveryOut.Meta.fields, "notification_id", "topic", "died_at")
