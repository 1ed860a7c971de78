"""What the endpoints for recipients read and write."""

import re
import zoneinfo
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from rest_framework import serializers

from apps.api.openapi import ProblemDetails
from apps.api.serializers import Choice, Items, NameField, StrictSerializer
from apps.preferences.api import app_ids
from apps.preferences.api.contradictions import ConsistentPreferences
from apps.preferences.channels import (
    EMAIL,
    INBOX,
    PUSH,
    SMS,
    WEBHOOK,
    check_destination,
    get_channel,
)
from notifier.domain import categories, user_ids
from notifier.security import signing

MAX_BULK = 1000
PLATFORMS = ["ios", "android", "web"]
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@cache
def time_zones() -> frozenset[str]:
    """Every IANA name this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def contact_channels() -> list[str]:
    """Channels whose addresses are contacts: devices have their own place, an inbox its owner."""
    return [name for name in settings.CHANNELS if name not in (PUSH, INBOX)]


def parse_address(channel: str, address: str, platform: str = "", field: str = "address") -> str:
    """The address in its one true form; a validation error at ``field`` says what is wrong."""
    try:
        return get_channel(channel).parse(address, platform)
    except ValueError as error:
        raise serializers.ValidationError({field: [str(error)]}) from None


def parse_destination(
    channel: str, address: str, platform: str = "", field: str = "address"
) -> str:
    """``parse_address`` for what is to be sent to: somewhere that the sender may call."""
    parsed = parse_address(channel, address, platform, field)
    try:
        check_destination(channel, parsed)
    except ValueError as error:
        raise serializers.ValidationError({field: [str(error)]}) from None
    return parsed


def parse_secret(secret: str) -> str:
    """A signing secret as Standard Webhooks 1.0.0 has it, and as it is signed with."""
    try:
        signing.check_secret(secret)
    except ValueError as error:
        raise serializers.ValidationError(str(error)) from None
    return secret


class UserIdField(serializers.CharField):
    """A ``user_id``, taken as it is."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "the company's own id of the person; never folded")
        options |= {"max_length": user_ids.MAX_LENGTH, "trim_whitespace": False}
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return user_ids.check(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class AppField(serializers.CharField):
    """The id of the app that a device token was given to."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=app_ids.MAX_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return app_ids.check(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class LocaleField(serializers.CharField):
    """A BCP 47 tag. ``de_AT``, as POSIX and Java write it, is taken for ``de-AT``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=35, **options)

    def to_internal_value(self, data: Any) -> str:
        tag = super().to_internal_value(data).replace("_", "-")
        if not _LOCALE.fullmatch(tag):
            raise serializers.ValidationError("Write a BCP 47 tag such as de or de-AT.")
        return tag


class CategoryField(NameField):
    """The name of a category, in its one form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100, **options)

    def to_internal_value(self, data: Any) -> str:
        return categories.fold(super().to_internal_value(data))


class ChannelField(Choice):
    """The name of one of this installation's channels."""

    def __init__(self, names: Sequence[str] = tuple(settings.CHANNELS), **options: Any) -> None:
        super().__init__(names, **options)


class DeviceIn(StrictSerializer):
    """A device to be registered."""

    platform = Choice(PLATFORMS)
    token = serializers.CharField(max_length=4096, help_text="as the platform gave it to the app")
    app = AppField(required=False, default="", allow_blank=True, help_text="bundle id")
    last_active_at = serializers.DateTimeField(required=False, default=None, allow_null=True)

    def validate(self, device: dict[str, Any]) -> dict[str, Any]:
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
        validators=[parse_secret],
        help_text="webhooks only: the signing secret, `whsec_…`; one is made if none is given",
    )

    def validate(self, contact: dict[str, Any]) -> dict[str, Any]:
        if contact["secret"] and contact["channel"] != WEBHOOK:
            raise serializers.ValidationError({"secret": ["Only a webhook has a secret."]})
        contact["address"] = parse_destination(contact["channel"], contact["address"])
        return contact


class ContactAt(StrictSerializer):
    """A contact, by its address."""

    channel = ChannelField(contact_channels(), instead="A device goes under /devices.")
    address = serializers.CharField(max_length=4096, help_text="in any spelling of it")

    def validate(self, contact: dict[str, Any]) -> dict[str, Any]:
        contact["address"] = parse_address(contact["channel"], contact["address"])
        return contact


class DeviceAt(StrictSerializer):
    """A device, by its token."""

    platform = Choice(PLATFORMS)
    token = serializers.CharField(max_length=4096)

    def validate(self, device: dict[str, Any]) -> dict[str, Any]:
        token = parse_address(PUSH, device["token"], device["platform"], "token")
        return {"channel": PUSH, "address": token}


class PreferenceIn(StrictSerializer):
    """A wish or a refusal. What is left out or null means any, as it is shown."""

    channel = ChannelField(required=False, default="", allow_blank=True, allow_null=True)
    topic = NameField(required=False, default="", allow_blank=True, allow_null=True, max_length=200)
    category = CategoryField(
        required=False,
        default="",
        allow_blank=True,
        allow_null=True,
        help_text="in any case; kept in small letters",
    )
    allowed = serializers.BooleanField()

    class Meta:
        list_serializer_class = ConsistentPreferences

    def validate(self, wish: dict[str, Any]) -> dict[str, Any]:
        wish |= {name: wish[name] or "" for name in ("channel", "topic", "category")}
        if wish["topic"] and wish["category"]:
            raise serializers.ValidationError(
                {"category": ["Name a topic or a category, not both: a topic has its own."]}
            )
        return wish


class PreferenceChange(PreferenceIn):
    """A wish or a refusal, or with ``allowed: null`` neither."""

    allowed = serializers.BooleanField(allow_null=True)


class PreferencesIn(StrictSerializer):
    """All that a recipient wants and refuses."""

    preferences = PreferenceIn(many=True, max_length=MAX_BULK)


class PreferencesChange(StrictSerializer):
    """Some of what a recipient wants and refuses."""

    preferences = PreferenceChange(many=True, max_length=MAX_BULK)


#: The fields for the one address that a person has on a channel.
ONE_ADDRESS = {"email": EMAIL, "phone": SMS}


class RecipientIn(StrictSerializer):
    """A recipient to be written. What is left out stays as it is."""

    email = serializers.CharField(
        max_length=4096,
        required=False,
        allow_null=True,
        help_text="the only email address; it replaces all others, and null removes them",
    )
    phone = serializers.CharField(
        max_length=4096,
        required=False,
        allow_null=True,
        help_text="the only number for SMS; it replaces all others, and null removes them",
    )

    locale = LocaleField(
        required=False, default=None, allow_null=True, help_text="BCP 47, e.g. de-AT"
    )
    time_zone = serializers.CharField(
        required=False,
        default=None,
        allow_null=True,
        max_length=64,
        help_text="IANA name, e.g. Europe/Vienna",
    )
    devices = DeviceIn(many=True, required=False, default=list, max_length=50)
    contacts = ContactIn(
        many=True,
        required=False,
        default=list,
        max_length=50,
        help_text="all addresses on each channel named here; they replace the others on it",
    )
    preferences = PreferenceIn(many=True, required=False, default=list, max_length=200)

    def validate(self, person: dict[str, Any]) -> dict[str, Any]:
        """Make contacts of ``email`` and ``phone``; ``replaced``: on which channels they, and those
        given as contacts, are all."""
        replaced = {contact["channel"] for contact in person["contacts"]}
        for field, channel in ONE_ADDRESS.items():
            if field not in person:
                continue
            if channel in replaced:
                raise serializers.ValidationError(
                    {field: [f"Give the only one here, or all on {channel} in contacts."]}
                )
            if channel not in contact_channels():
                raise serializers.ValidationError({field: [f"There is no channel {channel} here."]})
            replaced.add(channel)
            if (written := person.pop(field)) is not None:
                address = parse_destination(channel, written, field=field)
                person["contacts"] += [{"channel": channel, "address": address, "secret": ""}]
        return {**person, "replaced": replaced}

    def validate_time_zone(self, name: str | None) -> str | None:
        if name is not None and name not in time_zones():
            raise serializers.ValidationError(
                f"There is no time zone {name!r}. Write an IANA name such as Europe/Vienna."
            )
        return name


class BulkRecipientIn(RecipientIn):
    """One recipient of many."""

    user_id = UserIdField()


class BulkRecipientsIn(StrictSerializer):
    """Many recipients. Each is judged on its own, so a bad one does not cost the others."""

    recipients = Items(BulkRecipientIn, max_length=MAX_BULK)


FINGERPRINT = "differs between addresses of one recipient that are masked alike"


class DeviceRow(serializers.Serializer):
    """A device as it is stored."""

    id = serializers.IntegerField()
    platform = serializers.CharField()
    token = serializers.CharField(source="masked", help_text="masked")
    fingerprint = serializers.CharField(help_text=FINGERPRINT)
    app = serializers.CharField()
    state = serializers.CharField(help_text="active or disabled")
    disabled_reason = serializers.CharField()
    last_active_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class ContactRow(serializers.Serializer):
    """A contact as it is stored."""

    id = serializers.IntegerField()
    channel = serializers.CharField()
    address = serializers.CharField(source="masked", help_text="masked")
    fingerprint = serializers.CharField(help_text=FINGERPRINT)
    state = serializers.CharField(help_text="active or disabled")
    disabled_reason = serializers.CharField()
    former_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="of a webhook: until then its earlier secret signs, too"
    )
    created_at = serializers.DateTimeField()


class ContactMade(ContactRow):
    """A contact that was just written."""

    secret = serializers.CharField(
        required=False, help_text="a webhook's signing secret, shown when given or made"
    )


class PreferenceRow(serializers.Serializer):
    """A wish or a refusal; null means any."""

    channel = serializers.CharField(allow_null=True)
    topic = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_null=True)
    allowed = serializers.BooleanField()


class PreferencesOut(serializers.Serializer):
    """What a recipient wants and refused."""

    preferences = PreferenceRow(many=True)


class RecipientRow(serializers.Serializer):
    """A recipient in a list."""

    user_id = serializers.CharField()
    locale = serializers.CharField()
    time_zone = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RecipientOut(RecipientRow):
    """A recipient with everywhere they can be reached."""

    devices = DeviceRow(many=True)
    contacts = ContactRow(many=True)


class WebhookSecret(serializers.Serializer):
    """The signing secret of a webhook that was given or made with this call."""

    id = serializers.IntegerField(help_text="the contact's")
    address = serializers.CharField(help_text="masked")
    secret = serializers.CharField()


class RecipientWritten(RecipientOut):
    """A recipient that was just written."""

    secrets = WebhookSecret(many=True)


class RecipientResult(serializers.Serializer):
    """What became of one recipient of many."""

    index = serializers.IntegerField(help_text="position in the request, from 0")
    status = serializers.ChoiceField(["created", "updated", "error"])
    user_id = serializers.CharField(required=False)
    secrets = WebhookSecret(many=True, required=False)
    problem = ProblemDetails(required=False)


class RecipientResults(serializers.Serializer):
    """One result for each item, in the order of the request."""

    results = RecipientResult(many=True)
