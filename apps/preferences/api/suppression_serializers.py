"""Request and response bodies of the endpoints for suppressions."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.pagination import PageQuery
from apps.api.serializers import Choice, StrictSerializer
from apps.preferences.api.fields import PLATFORMS, ChannelField, parse_address
from apps.preferences.channels import INBOX, PUSH, WEBHOOK
from apps.preferences.models import Suppression, SuppressionReason

#: Advice for channels whose addresses belong to one publisher or one person.
_INSTEAD = {
    WEBHOOK: "A webhook is its publisher's: unsubscribe it, or take it out of the retry policy.",
    INBOX: "An inbox is its owner's: write a preference of theirs that refuses the channel.",
}


class SuppressedChannelField(ChannelField):
    """A channel whose addresses can be suppressed, for all publishers at once."""

    def __init__(self, **options: Any) -> None:
        super().__init__([name for name in settings.CHANNELS if name not in _INSTEAD], **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data in _INSTEAD:
            raise serializers.ValidationError(_INSTEAD[data])
        return super().to_internal_value(data)


class SuppressionIn(StrictSerializer):
    """An address to suppress."""

    channel = SuppressedChannelField(help_text="not webhook or inbox")
    address = serializers.CharField(max_length=4096)
    platform = Choice(PLATFORMS, required=False, help_text="with a device token")
    reason = Choice(SuppressionReason.values, required=False, default=SuppressionReason.MANUAL)

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return _parsed(wanted)


class SuppressionQuery(PageQuery):
    """Filters of the list of suppressions."""

    channel = SuppressedChannelField(required=False, help_text="not webhook or inbox")
    reason = Choice(SuppressionReason.values, required=False)
    address = serializers.CharField(
        max_length=2048,  # a request's first line has at most 4,094 bytes
        required=False,
        help_text="only this address, on the channel named",
    )
    platform = Choice(PLATFORMS, required=False, help_text="with a device token")

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if "address" not in wanted:
            if "platform" in wanted:
                raise serializers.ValidationError({"platform": ["This goes with an address."]})
            return wanted
        if "channel" not in wanted:
            raise serializers.ValidationError({"channel": ["Say on which channel the address is."]})
        return _parsed(wanted)


@extend_schema_serializer(component_name="SuppressionRow")
class SuppressionOut(serializers.Serializer[Suppression]):
    """A suppressed address and the reason."""

    id = serializers.IntegerField()
    channel = serializers.CharField()
    address = serializers.CharField(source="masked", help_text="masked")
    reason = serializers.ChoiceField(SuppressionReason.values)
    created_at = serializers.DateTimeField()


def _parsed(wanted: dict[str, Any]) -> dict[str, Any]:
    """Normalize the address, since it is looked up by its normal form."""
    platform = wanted.get("platform", "")
    if platform and wanted["channel"] != PUSH:
        raise serializers.ValidationError({"platform": ["This goes with a device token on push."]})
    return {**wanted, "address": parse_address(wanted["channel"], wanted["address"], platform)}
