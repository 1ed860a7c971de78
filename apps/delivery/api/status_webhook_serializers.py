"""What the doors to status webhooks read and write."""

from datetime import datetime

from rest_framework import serializers

from apps.api.serializers import Choice, StrictSerializer
from apps.delivery.models import StatusWebhook
from apps.delivery.status_webhooks.health import PENDING, Health
from apps.delivery.status_webhooks.lookup import EVENTS
from apps.preferences.api.serializers import parse_destination, parse_secret
from apps.preferences.channels import WEBHOOK
from apps.preferences.models import ContactState

_CHOOSE = f"Choose from {', '.join(EVENTS)}."


class EventsField(serializers.ListField):
    """States that deliveries come to; there is no default."""

    child = Choice(EVENTS)
    default_error_messages = {"required": _CHOOSE, "empty": _CHOOSE}

    def __init__(self) -> None:
        super().__init__(
            allow_empty=False, max_length=len(EVENTS), help_text="what to be told of: states"
        )


class StatusWebhookChange(StrictSerializer):
    """What of a status webhook can be changed."""

    events = EventsField()


class StatusWebhookIn(StatusWebhookChange):
    """A status webhook to be made, or made anew."""

    url = serializers.CharField(max_length=4096, help_text="https://…")
    secret = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        validators=[parse_secret],
        help_text="to sign with, `whsec_…`; one is made if none is given",
    )

    def validate_url(self, url: str) -> str:
        try:
            return parse_destination(WEBHOOK, url, field="url")
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail["url"]) from None


class StatusWebhookOut(serializers.Serializer):
    """A status webhook."""

    id = serializers.IntegerField()
    url = serializers.CharField(source="contact.masked", help_text="masked")
    events = serializers.ListField(child=serializers.ChoiceField(EVENTS))
    state = serializers.ChoiceField(
        ContactState.values, source="contact.state", help_text="disabled once it answered 410"
    )
    former_secret_until = serializers.DateTimeField(
        source="contact.former_secret_until",
        allow_null=True,
        help_text="until then its earlier secret signs, too",
    )
    created_at = serializers.DateTimeField()
    last_success_at = serializers.SerializerMethodField(
        help_text="when a message last arrived there, of the newest 1,000"
    )
    last_error_at = serializers.SerializerMethodField(
        help_text="when an attempt last failed, of the newest 1,000"
    )
    last_error = serializers.SerializerMethodField(help_text="what failed then; else empty")

    def get_last_success_at(self, row: StatusWebhook) -> datetime | None:
        return self._health(row).last_success_at

    def get_last_error_at(self, row: StatusWebhook) -> datetime | None:
        return self._health(row).last_error_at

    def get_last_error(self, row: StatusWebhook) -> str:
        return self._health(row).last_error

    def _health(self, row: StatusWebhook) -> Health:
        found: Health = self.context["health"].get(row.pk, Health())
        return found


class StatusWebhookTested(serializers.Serializer):
    """What a test call came to."""

    outcome = serializers.ChoiceField(
        ["accepted", "refused", "retry", "unknown", PENDING],
        help_text="of the attempt; `pending`: no answer within 3 seconds, or other test calls are "
        "waited for; see its deliveries",
    )
    error = serializers.CharField(help_text="why it did not arrive; else empty")
    status = serializers.IntegerField(allow_null=True, help_text="the receiver's HTTP status")
    duration_ms = serializers.IntegerField(allow_null=True)
    delivery_id = serializers.CharField(allow_null=True)


class StatusWebhookKept(StatusWebhookOut):
    """A status webhook, and its secret where that was given or made just now."""

    secret = serializers.CharField(required=False, help_text="it is not shown again")
