"""Serializers of the status webhook endpoints."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import Choice, StrictSerializer
from apps.delivery.models import StatusWebhook
from apps.delivery.status_webhooks.health import PENDING, Health, TestResult
from apps.delivery.status_webhooks.lookup import EVENTS
from apps.preferences.api.fields import check_secret, parse_destination
from apps.preferences.channels import WEBHOOK
from apps.preferences.models import ContactState

_CHOOSE = f"Choose from {', '.join(EVENTS)}."


class EventsField(serializers.ListField):
    """A list of states of deliveries, and perhaps ``message.received``, without a default."""

    child = Choice(EVENTS)
    default_error_messages = {"required": _CHOOSE, "empty": _CHOOSE}

    def __init__(self) -> None:
        super().__init__(
            allow_empty=False,
            max_length=len(EVENTS),
            help_text="states to send events about; `message.received`: replies to text messages",
        )


@extend_schema_serializer(component_name="StatusWebhookChange")
class StatusWebhookChangeIn(StrictSerializer):
    """The part of a status webhook that can be changed."""

    events = EventsField()


@extend_schema_serializer(component_name="StatusWebhookIn")
class StatusWebhookIn(StatusWebhookChangeIn):
    """A status webhook to create or to replace."""

    url = serializers.CharField(max_length=4096, help_text="https://…")
    secret = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        validators=[check_secret],
        help_text="signing secret, `whsec_…`; generated if left out",
    )

    def validate_url(self, url: str) -> str:
        try:
            return parse_destination(WEBHOOK, url, field="url")
        except serializers.ValidationError as error:
            by_field = cast(Mapping[str, list[str]], error.detail)
            raise serializers.ValidationError(by_field["url"]) from None


class StatusWebhookOut(serializers.Serializer[StatusWebhook]):
    """A status webhook."""

    id = serializers.IntegerField()
    url = serializers.CharField(source="contact.masked", help_text="masked")
    events = serializers.ListField(child=serializers.ChoiceField(EVENTS))
    state = serializers.ChoiceField(
        ContactState.values, source="contact.state", help_text="`disabled` after it answered 410"
    )
    former_secret_until = serializers.DateTimeField(
        source="contact.former_secret_until",
        allow_null=True,
        help_text="until then messages are also signed with the previous secret",
    )
    created_at = serializers.DateTimeField()
    last_success_at = serializers.SerializerMethodField(
        help_text="when a message last arrived, among the newest 1,000"
    )
    last_error_at = serializers.SerializerMethodField(
        help_text="when an attempt last failed, among the newest 1,000"
    )
    last_error = serializers.SerializerMethodField(help_text="error of that attempt; else empty")

    def get_last_success_at(self, row: StatusWebhook) -> datetime | None:
        return self._health(row).last_success_at

    def get_last_error_at(self, row: StatusWebhook) -> datetime | None:
        return self._health(row).last_error_at

    def get_last_error(self, row: StatusWebhook) -> str:
        return self._health(row).last_error

    def _health(self, row: StatusWebhook) -> Health:
        found: Health = self.context["health"].get(row.pk, Health())
        return found


@extend_schema_serializer(component_name="StatusWebhookTested")
class StatusWebhookTestedOut(serializers.Serializer[TestResult]):
    """The result of a test call."""

    outcome = serializers.ChoiceField(
        ["accepted", "refused", "retry", "unknown", PENDING],
        help_text="outcome of the attempt; `pending` without an answer within 3 seconds, or while "
        "other test calls are under way: see its deliveries",
    )
    error = serializers.CharField(help_text="why it did not arrive; else empty")
    status = serializers.IntegerField(allow_null=True, help_text="the receiver's HTTP status")
    duration_ms = serializers.IntegerField(allow_null=True)
    delivery_id = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="StatusWebhookKept")
class StatusWebhookKeptOut(StatusWebhookOut):
    """A status webhook, with its secret where this request gave or generated one."""

    secret = serializers.CharField(required=False, help_text="not shown again")
