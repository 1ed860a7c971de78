"""Request and response bodies of the endpoints for devices and contacts."""

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import Choice, StrictSerializer
from apps.preferences.api.fields import (
    PLATFORMS,
    AppField,
    ChannelField,
    check_secret,
    contact_channels,
    parse_address,
    parse_destination,
)
from apps.preferences.api.shapes import PostedAddress, PostedContact, PostedDevice
from apps.preferences.channels import PUSH, WEBHOOK
from apps.preferences.models import Contact

FINGERPRINT = "differs between addresses of one recipient that are masked alike"


class DeviceIn(StrictSerializer):
    """A device to register."""

    platform = Choice(PLATFORMS)
    token = serializers.CharField(max_length=4096, help_text="as the platform issued it to the app")
    app = AppField(required=False, default="", allow_blank=True, help_text="bundle id")
    last_active_at = serializers.DateTimeField(required=False, default=None, allow_null=True)

    def validate(self, device: PostedDevice) -> PostedDevice:
        device["token"] = parse_address(PUSH, device["token"], device["platform"], "token")
        return device


class ContactIn(StrictSerializer):
    """A phone number, an email address or a webhook URL."""

    channel = ChannelField(contact_channels(), instead="A device goes under /devices.")
    address = serializers.CharField(max_length=4096)
    secret = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        validators=[check_secret],
        help_text="webhooks only: the signing secret, `whsec_…`; generated if left out",
    )

    def validate(self, contact: PostedContact) -> PostedContact:
        if contact["secret"] and contact["channel"] != WEBHOOK:
            raise serializers.ValidationError({"secret": ["Only a webhook has a secret."]})
        contact["address"] = parse_destination(contact["channel"], contact["address"])
        return contact


@extend_schema_serializer(component_name="ContactAt")
class ContactAddressIn(StrictSerializer):
    """A contact, identified by its address."""

    channel = ChannelField(contact_channels(), instead="A device goes under /devices.")
    address = serializers.CharField(max_length=4096, help_text="in any spelling")

    def validate(self, contact: PostedAddress) -> PostedAddress:
        contact["address"] = parse_address(contact["channel"], contact["address"])
        return contact


@extend_schema_serializer(component_name="DeviceAt")
class DeviceTokenIn(StrictSerializer):
    """A device, identified by its token."""

    platform = Choice(PLATFORMS)
    token = serializers.CharField(max_length=4096)

    def validate(self, device: dict[str, str]) -> PostedAddress:
        token = parse_address(PUSH, device["token"], device["platform"], "token")
        return {"channel": PUSH, "address": token}


@extend_schema_serializer(component_name="DeviceRow")
class DeviceOut(serializers.Serializer[Contact]):
    """A device, its token masked."""

    id = serializers.IntegerField()
    platform = serializers.CharField()
    token = serializers.CharField(source="masked", help_text="masked")
    fingerprint = serializers.CharField(help_text=FINGERPRINT)
    app = serializers.CharField()
    state = serializers.CharField(help_text="active or disabled")
    disabled_reason = serializers.CharField()
    last_active_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="ContactRow")
class ContactOut(serializers.Serializer[Contact]):
    """A contact, its address masked."""

    id = serializers.IntegerField()
    channel = serializers.CharField()
    address = serializers.CharField(source="masked", help_text="masked")
    fingerprint = serializers.CharField(help_text=FINGERPRINT)
    state = serializers.CharField(help_text="active or disabled")
    disabled_reason = serializers.CharField()
    former_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="webhooks only: until when the former secret signs, too"
    )
    created_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="ContactMade")
class ContactMadeOut(ContactOut):
    """A written contact."""

    secret = serializers.CharField(
        required=False, help_text="a webhook's signing secret, shown when given or generated"
    )
