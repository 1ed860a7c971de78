"""What a publisher posts and what it reads back."""

from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.openapi import ProblemDetails
from apps.api.pagination import PageQuery
from apps.api.problems import Problem
from apps.api.serializers import Choice, Items, NameField, StrictSerializer
from apps.content.compiled_templates import wording
from apps.content.serializers import ActionsField, LinkField, TemplateUse
from apps.core import clock
from apps.core.delivery_ids import public_id
from apps.delivery.intake import deduplication
from apps.delivery.models import Attempt, Delivery, Notification, ReceiptEvent
from apps.delivery.state import fallback
from apps.preferences.api.serializers import UserIdField
from notifier.domain.characters import any_visible
from notifier.domain.messages import DisplayType, Severity
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState
from notifier.receipts import Event

#: As much as one notification may say: the largest payload SNS and Web Push senders ask for.
CONTENT_LIMIT = 64 * 1024
RECIPIENTS_LIMIT = 1_000
#: What is planned for longer is planned for a world nobody knows.
LONGEST_AHEAD = timedelta(days=366)
BATCH_LIMIT = 1_000
LONGEST_FALLBACK = 86_400


class ContentIn(StrictSerializer):
    """Title, body, data for the app, and links a person may follow."""

    text_is = "body"

    title = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True, trim_whitespace=False
    )
    body = serializers.CharField(
        required=False, default="", allow_blank=True, trim_whitespace=False
    )
    data = serializers.DictField(required=False, default=dict)
    actions = ActionsField(child=LinkField())
    severity = Choice(
        [s.value for s in Severity],
        required=False,
        default=Severity.INFO.value,
        help_text="for the inbox",
    )
    display_type = Choice(
        [d.value for d in DisplayType],
        required=False,
        default=DisplayType.INBOX.value,
        help_text="where an app shows it beside the inbox",
    )
    source = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        default="",
        help_text="the system it comes from, for the inbox",
    )

    def validate_title(self, title: str) -> str:
        if title and not title.strip():
            raise serializers.ValidationError("This field may not be blank.")
        return title

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (any_visible(attrs["title"]) or any_visible(attrs["body"]) or attrs["data"]):
            raise serializers.ValidationError(
                "Give at least one of title, body and data, with something to see in it."
            )
        size = len(orjson.dumps(attrs))
        if size > CONTENT_LIMIT:
            raise Problem(
                "payload-too-large",
                f"The content has {size} bytes; at most {CONTENT_LIMIT} are taken. "
                "Send a link to what is larger.",
                limit=CONTENT_LIMIT,
            )
        return attrs


class FallbackIn(StrictSerializer):
    """Another channel, for those whom none of the others reached in time."""

    channel = Choice(list(settings.CHANNELS), help_text="not one of channels")
    after_seconds = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_FALLBACK,
        source="after",
        help_text="how long the other channels have, from when it is sent",
    )


class PublishIn(StrictSerializer):
    """A notification for everybody subscribed to a topic."""

    content = ContentIn(required=False, help_text="this or template")
    template = TemplateUse(required=False, help_text="this or content")
    priority = Choice(
        [p.value for p in Priority],
        required=False,
        help_text="the topic's default where left out",
    )
    channels = serializers.ListField(
        child=Choice(list(settings.CHANNELS)),
        min_length=1,
        max_length=len(settings.CHANNELS),
        required=False,
        help_text="only these channels; every channel that has a provider where left out",
    )
    fallback = FallbackIn(
        required=False, help_text="where to send to those whom none of the channels reached"
    )
    send_at = serializers.DateTimeField(
        required=False, help_text="not before; what is past means at once"
    )
    expires_at = serializers.DateTimeField(required=False, help_text="not after")
    collapse_key = NameField(
        max_length=64,
        required=False,
        default="",
        allow_blank=True,
        help_text="a later push with it replaces this",
    )
    ordering_key = NameField(
        max_length=128,
        required=False,
        default="",
        allow_blank=True,
        help_text="what goes to one recipient on a channel under it goes out in the order accepted",
    )
    deduplicate_seconds = serializers.IntegerField(
        min_value=1,
        max_value=deduplication.LONGEST,
        required=False,
        help_text="the same content, audience and channels within so many seconds is accepted once",
    )

    def validate_channels(self, channels: list[str]) -> list[str]:
        return list(dict.fromkeys(channels))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "content" not in attrs and "template" not in attrs:
            raise serializers.ValidationError({"content": "Give content, or a template."})
        if "content" in attrs and "template" in attrs:
            raise serializers.ValidationError(
                {"template": "Give either content or a template, not both."}
            )
        expires_at, send_at = attrs.get("expires_at"), attrs.get("send_at")
        if send_at is not None and send_at > clock.moment() + LONGEST_AHEAD:
            raise serializers.ValidationError(
                {"send_at": f"It can be at most {LONGEST_AHEAD.days} days from now."}
            )
        if send_at is not None and attrs["ordering_key"]:
            raise serializers.ValidationError(
                {"send_at": "With an ordering_key the order is that of acceptance. Leave one out."}
            )
        if expires_at is not None:
            if expires_at <= clock.moment():
                raise serializers.ValidationError(
                    {"expires_at": "It is over already; nothing would be sent."}
                )
            if send_at is not None and expires_at <= send_at:
                raise serializers.ValidationError(
                    {"expires_at": "It must be after send_at, else nothing would be sent."}
                )
        if "fallback" in attrs:
            _check_fallback(attrs, max(send_at or clock.moment(), clock.moment()))
        return attrs


def _check_fallback(attrs: dict[str, Any], starts_at: datetime) -> None:
    channel, after = attrs["fallback"]["channel"], attrs["fallback"]["after"]
    if channel in attrs.get("channels", ()):
        raise serializers.ValidationError(
            {"fallback": {"channel": f"{channel} is among the channels already."}}
        )
    expires_at = attrs.get("expires_at")
    if expires_at is not None and expires_at <= starts_at + timedelta(seconds=after):
        raise serializers.ValidationError(
            {"fallback": {"after_seconds": "By then it has expired; nothing would be sent."}}
        )


class NotificationIn(PublishIn):
    """A notification for recipients named by ``user_id`` or ``user_ids``."""

    user_id = UserIdField(required=False)
    user_ids = serializers.ListField(
        child=UserIdField(),
        min_length=1,
        max_length=RECIPIENTS_LIMIT,
        required=False,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "user_id" in attrs and "user_ids" in attrs:
            raise serializers.ValidationError("Give either user_id or user_ids, not both.")
        if "user_id" not in attrs and "user_ids" not in attrs:
            raise serializers.ValidationError("Name recipients with user_id or user_ids.")
        attrs = super().validate(attrs)
        attrs["named_in"] = "user_id" if "user_id" in attrs else "user_ids"
        named = attrs.pop("user_ids", None) or [attrs.pop("user_id")]
        attrs["user_ids"] = list(dict.fromkeys(named))
        return attrs


class BatchIn(StrictSerializer):
    """Up to 1,000 different notifications; each is checked and answered on its own."""

    notifications = Items(NotificationIn, max_length=BATCH_LIMIT)


class AcceptedOut(serializers.ModelSerializer):
    """What a publisher is told when a notification is accepted."""

    state = serializers.SerializerMethodField(help_text="accepted, or scheduled for later")

    class Meta:
        model = Notification
        fields = ("id", "state", "priority", "channels", "created_at", "send_at", "expires_at")

    def get_state(self, row: Notification) -> str:
        return "scheduled" if row.is_scheduled() else "accepted"


class WarningOut(serializers.Serializer):
    """What may not have been meant, though it was accepted."""

    pointer = serializers.CharField(help_text="into the request")
    detail = serializers.CharField()


class TakenOut(AcceptedOut):
    """The same, whether it stands for one that was the same, and what to be warned of."""

    deduplicated = serializers.BooleanField(
        required=False, help_text="true where this one was accepted before, and only there"
    )
    warnings = WarningOut(
        many=True,
        required=False,
        help_text="channels on which somebody has no address, or too much waits",
    )

    class Meta:
        model = Notification
        fields = (*AcceptedOut.Meta.fields, "deduplicated", "warnings")


class BatchResult(serializers.Serializer):
    """What became of one notification of a batch."""

    index = serializers.IntegerField(help_text="position in the request, from 0")
    status = serializers.ChoiceField(["accepted", "error"])
    notification = TakenOut(required=False)
    problem = ProblemDetails(required=False)


class BatchOut(serializers.Serializer):
    """One result for each notification, in the order of the request."""

    results = BatchResult(many=True)


class AttemptOut(serializers.ModelSerializer):
    """One call to a provider."""

    class Meta:
        model = Attempt
        fields = (
            "number",
            "provider",
            "started_at",
            "duration_ms",
            "outcome",
            "reason",
            "status",
            "detail",
        )


class ReceiptOut(serializers.ModelSerializer):
    """What the provider reported later."""

    event = serializers.ChoiceField([event.value for event in Event])
    reason = serializers.CharField(help_text="why it bounced or failed; else empty")

    class Meta:
        model = ReceiptEvent
        fields = ("event", "reason", "detail", "at")


class DeliveryOut(serializers.ModelSerializer):
    """One notification to one contact: where it stands, every attempt and receipt so far."""

    id = serializers.SerializerMethodField()
    user_id = serializers.SerializerMethodField(help_text="null for another publisher's topic")
    address = serializers.SerializerMethodField(
        help_text="masked; null for another publisher's topic"
    )
    contact_id = serializers.SerializerMethodField(help_text="null for another publisher's topic")
    instead_of = serializers.SerializerMethodField(
        help_text="the delivery after whose last attempt this one is sent"
    )
    attempts = serializers.SerializerMethodField()
    receipts = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields = (
            "id",
            "user_id",
            "channel",
            "address",
            "contact_id",
            "state",
            "reason",
            "provider",
            "provider_message_id",
            "instead_of",
            "next_attempt_at",
            "created_at",
            "updated_at",
            "attempts",
            "receipts",
        )

    def get_id(self, row: Delivery) -> str:
        return row.public_id

    def get_user_id(self, row: Delivery) -> str | None:
        return self.context["user_ids"].get(row.pk)

    def get_address(self, row: Delivery) -> str | None:
        return self.context["masked"].get(row.pk)

    def get_contact_id(self, row: Delivery) -> int | None:
        return self.context["contact_ids"].get(row.pk)

    def get_instead_of(self, row: Delivery) -> str | None:
        return None if row.instead_of is None else public_id(row.instead_of)

    @extend_schema_field(AttemptOut(many=True))
    def get_attempts(self, row: Delivery) -> Any:
        return AttemptOut(self.context["attempts"].get(row.pk, []), many=True).data

    @extend_schema_field(ReceiptOut(many=True))
    def get_receipts(self, row: Delivery) -> Any:
        return ReceiptOut(self.context["receipts"].get(row.pk, []), many=True).data


class TemplateUsed(serializers.Serializer):
    """The template a notification was made from."""

    name = serializers.CharField()
    version = serializers.IntegerField()


class NotificationOut(AcceptedOut):
    """A notification and what became of it: a row with its ``progress``."""

    state = serializers.ChoiceField(
        choices=["scheduled", "sending", "done", "cancelled"], source="progress.state"
    )
    topic = serializers.CharField(source="topic.name", default=None, allow_null=True)
    group = serializers.CharField(
        default=None, allow_null=True, help_text="null where there was none, or it was deleted"
    )
    template = serializers.SerializerMethodField(help_text="null where content was posted")
    fallback = serializers.SerializerMethodField(help_text="null where there is none")
    counts = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        source="progress.counts",
        help_text="deliveries by channel and state",
    )

    class Meta:
        model = Notification
        fields = (
            *AcceptedOut.Meta.fields,
            "topic",
            "group",
            "template",
            "fallback",
            "collapse_key",
            "ordering_key",
            "cancelled_at",
            "counts",
        )

    @extend_schema_field(TemplateUsed(allow_null=True))
    def get_template(self, row: Notification) -> dict[str, Any] | None:
        if row.template_version_id is None:
            return None
        used = wording(row.template_version_id)
        return {"name": used.name, "version": used.number}

    @extend_schema_field(FallbackIn(allow_null=True))
    def get_fallback(self, row: Notification) -> dict[str, Any] | None:
        found = fallback.of(row)
        return None if found is None else FallbackIn(found).data


class DeliveriesQuery(PageQuery):
    """Which deliveries of a notification to list."""

    state = Choice([state.value for state in DeliveryState], required=False)
    channel = Choice(list(settings.CHANNELS), required=False)
