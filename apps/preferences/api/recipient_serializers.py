"""Request and response bodies of the endpoints for recipients."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.openapi import ProblemDetails
from apps.api.serializers import Items, StrictSerializer
from apps.preferences.api.choices.preference_serializers import PreferenceIn
from apps.preferences.api.contact_serializers import ContactIn, ContactOut, DeviceIn, DeviceOut
from apps.preferences.api.fields import (
    MAX_BULK,
    LocaleField,
    TimeZoneField,
    UserIdField,
    contact_channels,
    parse_destination,
)
from apps.preferences.channels import EMAIL, SMS
from apps.preferences.digests.fields import MOST_CHOICES, DigestChoiceIn, DigestChoiceOut
from apps.preferences.digests.fields import check_once as check_choices
from apps.preferences.frequency.fields import (
    MOST_CAPS,
    FrequencyCapIn,
    FrequencyCapOut,
    check_once,
)
from apps.preferences.models import Recipient

#: The fields for the only address that a recipient has on a channel.
ONE_ADDRESS = {"email": EMAIL, "phone": SMS}
LONGEST_NAME = 200
#: Characters that end a line, and other control characters.
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: Bytes of a recipient's attributes as JSON.
ATTRIBUTES_LIMIT = 4 * 1024


class AttributesField(serializers.DictField):
    """A recipient's attributes, of any JSON type."""

    def to_internal_value(self, data: Any) -> dict[str, object]:
        attributes: dict[str, object] = super().to_internal_value(data)
        size = len(orjson.dumps(attributes))
        if size > ATTRIBUTES_LIMIT:
            raise serializers.ValidationError(
                f"The attributes have {size:,} bytes, and at most {ATTRIBUTES_LIMIT:,} are kept."
            )
        return attributes


class PersonNameField(serializers.CharField):
    """The name of a person, on one line: it stands in titles, such as a mail's subject."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if _BREAK.search(name):
            raise serializers.ValidationError("Leave out line breaks and control characters.")
        return name


class RecipientIn(StrictSerializer):
    """A recipient to create or change. What is left out stays as it is."""

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
    time_zone = TimeZoneField(required=False, default=None, allow_null=True)
    name = PersonNameField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=LONGEST_NAME,
        help_text="what templates call the person: `{{ recipient.name }}`; null removes it",
    )
    attributes = AttributesField(
        required=False,
        allow_null=True,
        help_text="for templates, `{{ recipient.attributes.city }}`; they replace all others, and "
        "null removes them",
    )
    devices = DeviceIn.many_init(required=False, default=list, max_length=50)
    contacts = ContactIn.many_init(
        required=False,
        default=list,
        max_length=50,
        help_text="the addresses on each channel named here; they replace all others on it",
    )
    preferences = PreferenceIn.many_init(required=False, default=list, max_length=200)
    frequency_caps = FrequencyCapIn.many_init(
        required=False,
        default=list,
        max_length=MOST_CAPS,
        help_text="how many notifications the person is sent at most; they are added, and where "
        "the person has one for the same the lower one holds",
    )

    digests = DigestChoiceIn.many_init(
        required=False,
        default=list,
        max_length=MOST_CHOICES,
        help_text="how often the person is sent what may wait; they are added, and what the person "
        "chose stays",
    )

    def validate_frequency_caps(self, caps: list[dict[str, Any]]) -> Any:
        return check_once(caps)

    def validate_digests(self, choices: list[dict[str, Any]]) -> Any:
        return check_choices(choices)

    def validate(self, person: dict[str, Any]) -> dict[str, Any]:
        """Turn ``email`` and ``phone`` into contacts, and a name that is null into an empty one.

        Likewise attributes. Adds ``replaced``: the channels on which the contacts given replace all
        others.
        """
        for field, empty in (("name", ""), ("attributes", {})):
            if field in person and person[field] is None:
                person[field] = empty
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


class BulkRecipientIn(RecipientIn):
    """One recipient of a bulk call."""

    user_id = UserIdField()


class BulkRecipientsIn(StrictSerializer):
    """Many recipients, each validated on its own."""

    recipients = Items(BulkRecipientIn, max_length=MAX_BULK)


@extend_schema_serializer(component_name="RecipientRow")
class RecipientSummaryOut(serializers.Serializer[Recipient]):
    """A recipient in a list."""

    user_id = serializers.CharField()
    locale = serializers.CharField()
    time_zone = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="RecipientOut")
class RecipientOut(RecipientSummaryOut):
    """A recipient with devices and contacts."""

    name = serializers.CharField(allow_null=True, help_text="null if its key is missing")
    attributes = serializers.DictField(allow_null=True, help_text="likewise")
    devices = DeviceOut(many=True)
    contacts = ContactOut(many=True)
    frequency_caps = FrequencyCapOut(many=True)
    digests = DigestChoiceOut(many=True)


@extend_schema_serializer(component_name="WebhookSecret")
class WebhookSecretOut(serializers.Serializer[Mapping[str, object]]):
    """The signing secret of a webhook, given or generated in this call."""

    id = serializers.IntegerField(help_text="the contact's")
    address = serializers.CharField(help_text="masked")
    secret = serializers.CharField()


@extend_schema_serializer(component_name="RecipientWritten")
class RecipientWrittenOut(RecipientOut):
    """A written recipient."""

    secrets = WebhookSecretOut(many=True)


@extend_schema_serializer(component_name="RecipientResult")
class RecipientResultOut(serializers.Serializer[Mapping[str, object]]):
    """The result for one recipient of a bulk call."""

    index = serializers.IntegerField(help_text="position in the request, from 0")
    status = serializers.ChoiceField(["created", "updated", "error"])
    user_id = serializers.CharField(required=False)
    secrets = WebhookSecretOut(many=True, required=False)
    problem = ProblemDetails(required=False)


@extend_schema_serializer(component_name="RecipientResults")
class RecipientResultsOut(serializers.Serializer[Mapping[str, object]]):
    """One result for each item, in the order of the request."""

    results = RecipientResultOut(many=True)
