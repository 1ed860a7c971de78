"""Serializers of notifications and deliveries as publishers read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.api.pagination import PageQuery
from apps.api.serializers import Choice, NameField
from apps.content.compiled_templates import compiled_template
from apps.core.delivery_ids import public_id
from apps.delivery.api.publishing.fallbacks import FallbackIn
from apps.delivery.api.publishing.metadata import ReferenceField
from apps.delivery.api.publishing.serializers import AcceptedOut
from apps.delivery.models import Attempt, Delivery, Notification, ReceiptEvent
from apps.delivery.operations import steps
from apps.delivery.operations.steps import NAMED, Acknowledgement, StepProgress, StepState
from apps.delivery.selectors import NotificationState
from apps.delivery.state import fallback
from apps.delivery.state.steps.plan import Unless
from apps.preferences.api.fields import CategoryField, UserIdField
from apps.preferences.digests.fields import DigestOut
from notifier.domain import digests
from notifier.domain.states import DeliveryState
from notifier.receipts import Event

due_field = serializers.DateTimeField()


class AttemptOut(serializers.ModelSerializer[Attempt]):
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


class ReceiptOut(serializers.ModelSerializer[ReceiptEvent]):
    """An event that the provider reported later."""

    event = serializers.ChoiceField([event.value for event in Event])
    reason = serializers.CharField(help_text="why it bounced or failed; else empty")

    class Meta:
        model = ReceiptEvent
        fields = ("event", "reason", "detail", "at")


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    """One notification to one contact: its state, every attempt and every receipt so far.

    ``context``: see ``presenters.delivery_context``.
    """

    id = serializers.SerializerMethodField()
    user_id = serializers.SerializerMethodField(help_text="null for another publisher's topic")
    address = serializers.SerializerMethodField(
        help_text="masked; null for another publisher's topic"
    )
    contact_id = serializers.SerializerMethodField(help_text="null for another publisher's topic")
    instead_of = serializers.SerializerMethodField(
        help_text="the delivery that this one replaces after its last attempt"
    )
    step = serializers.IntegerField(
        help_text="of the notification's fallback, from 1; 0 for the first channels"
    )
    told_in = serializers.SerializerMethodField(
        help_text="the delivery of the digest that tells this one together with others"
    )
    next_attempt_at = serializers.SerializerMethodField(
        help_text="of what waits for a digest: when that closes"
    )
    reason_text = serializers.SerializerMethodField(
        help_text="the reason in words, with the names of the topic or category that a preference "
        "refused; empty without a reason"
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
            "reason_text",
            "provider",
            "provider_message_id",
            "instead_of",
            "told_in",
            "step",
            "next_attempt_at",
            "created_at",
            "updated_at",
            "attempts",
            "receipts",
        )

    def get_id(self, row: Delivery) -> str:
        return row.public_id

    def get_user_id(self, row: Delivery) -> str | None:
        user_ids: Mapping[int, str | None] = self.context["user_ids"]
        return user_ids.get(row.pk)

    def get_address(self, row: Delivery) -> str | None:
        masked: Mapping[int, str | None] = self.context["masked"]
        return masked.get(row.pk)

    def get_contact_id(self, row: Delivery) -> int | None:
        contact_ids: Mapping[int, int | None] = self.context["contact_ids"]
        return contact_ids.get(row.pk)

    def get_reason_text(self, row: Delivery) -> str:
        words: Mapping[int, str] = self.context["reasons"]
        return words.get(row.pk, "")

    def get_instead_of(self, row: Delivery) -> str | None:
        return None if row.instead_of is None else public_id(row.instead_of)

    def get_told_in(self, row: Delivery) -> str | None:
        return None if row.told_in is None else public_id(row.told_in)

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, row: Delivery) -> str | None:
        due: Mapping[int, datetime | None] = self.context["due"]
        return due_field.to_representation(found) if (found := due.get(row.pk)) else None

    @extend_schema_field(AttemptOut(many=True))
    def get_attempts(self, row: Delivery) -> Any:
        return AttemptOut(self.context["attempts"].get(row.pk, []), many=True).data

    @extend_schema_field(ReceiptOut(many=True))
    def get_receipts(self, row: Delivery) -> Any:
        return ReceiptOut(self.context["receipts"].get(row.pk, []), many=True).data


@extend_schema_serializer(component_name="TemplateUsed")
class TemplateUseOut(serializers.Serializer[Mapping[str, object]]):
    """The template a notification was made from."""

    name = serializers.CharField()
    version = serializers.IntegerField()


@extend_schema_serializer(component_name="FallbackStep")
class StepOut(serializers.Serializer[StepProgress]):
    """A step of a fallback, and what became of it."""

    number = serializers.IntegerField(help_text="from 1")
    channel = serializers.CharField()
    group = serializers.CharField(
        allow_null=True, help_text="null if it is for the same people; empty if it was deleted"
    )
    unless = serializers.ChoiceField([one.value for one in Unless])
    after_seconds = serializers.IntegerField(help_text="after the step before")
    state = serializers.ChoiceField([one.value for one in StepState])
    due_at = serializers.DateTimeField(allow_null=True, help_text="while it waits")
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="its deliveries by state"
    )


@extend_schema_serializer(component_name="Acknowledgement")
class AcknowledgementOut(serializers.Serializer[Acknowledgement]):
    """A recipient's acknowledgement of a notification."""

    user_id = serializers.CharField(
        allow_null=True, help_text="null for another publisher's topic, or if they are gone"
    )
    acknowledged_at = serializers.DateTimeField()


class NotificationOut(AcceptedOut):
    """A notification with its state and counts: a row of ``presenters.with_progress``."""

    state = serializers.ChoiceField(
        [state.value for state in NotificationState], source="progress.state"
    )
    category = serializers.CharField(
        help_text="as of acceptance; empty if it was accepted before there were categories"
    )
    send_at_local = serializers.CharField(
        help_text="the local time at which each recipient gets it; empty without one"
    )
    local_time_passed = serializers.CharField(help_text="`send`, `skip`, or empty")
    topic = serializers.CharField(source="topic.name", default=None, allow_null=True)
    group = serializers.CharField(
        default=None, allow_null=True, help_text="null if there was none, or it was deleted"
    )
    template = serializers.SerializerMethodField(help_text="null if content was posted")
    fallback = serializers.SerializerMethodField(help_text="null if there is none")
    digest = serializers.SerializerMethodField(help_text="null if it asked for none")
    reference = serializers.CharField(help_text="your own id of it; empty without one")
    metadata = serializers.SerializerMethodField(help_text="as posted; empty without any")
    replay_of = serializers.UUIDField(
        allow_null=True, help_text="the notification that it sends again; null for most"
    )
    counts = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        source="progress.counts",
        help_text="number of deliveries by channel and state",
    )
    steps = StepOut(
        many=True, source="progress_of_steps", help_text="of its fallback, where that has some"
    )
    acknowledged_by = AcknowledgementOut(
        many=True,
        source="acknowledgements",
        help_text=f"the first {NAMED} who acknowledged it: where it has steps, or by the call",
    )

    class Meta:
        model = Notification
        fields = (
            *AcceptedOut.Meta.fields,
            "send_at_local",
            "local_time_passed",
            "category",
            "topic",
            "group",
            "template",
            "fallback",
            "digest",
            "steps",
            "collapse_key",
            "ordering_key",
            "reference",
            "metadata",
            "replay_of",
            "cancelled_at",
            "acknowledged_by",
            "counts",
        )

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_metadata(self, row: Notification) -> Mapping[str, str]:
        return row.metadata or {}

    @extend_schema_field(TemplateUseOut(allow_null=True))
    def get_template(self, row: Notification) -> dict[str, object] | None:
        if row.template_version_id is None:
            return None
        used = compiled_template(row.template_version_id)
        return {"name": used.name, "version": used.number}

    @extend_schema_field(FallbackIn(allow_null=True))
    def get_fallback(self, row: Notification) -> Mapping[str, object] | None:
        if row.steps:
            return steps.as_posted(row.steps)
        found = fallback.of(row)
        return None if found is None else FallbackIn(found).data

    @extend_schema_field(DigestOut(allow_null=True))
    def get_digest(self, row: Notification) -> Mapping[str, object] | None:
        return None if row.digest is None else digests.read(row.digest).shown()


class NotificationsQuery(PageQuery):
    """Query parameters that select notifications; all that are given must hold."""

    reference = ReferenceField(help_text="the one that it was posted with")
    user_id = UserIdField(
        required=False,
        help_text="with a delivery to this person; what went to other publishers' topics is left "
        "out, whose subscribers only their owners may know",
    )
    topic = NameField(max_length=200, required=False, help_text="its name")
    category = CategoryField(required=False)
    state = Choice([state.value for state in NotificationState], required=False)
    since = serializers.DateTimeField(required=False, help_text="accepted then or later")
    until = serializers.DateTimeField(required=False, help_text="accepted before then")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "since" in attrs and "until" in attrs and attrs["until"] <= attrs["since"]:
            raise serializers.ValidationError(
                {"until": "It must be after since, or nothing would be found."}
            )
        return attrs


class DeliveriesQuery(PageQuery):
    """Query parameters that select deliveries of a notification."""

    state = Choice([state.value for state in DeliveryState], required=False)
    channel = Choice(list(settings.CHANNELS), required=False)
