"""Erasures and exports, as the API shows them."""

from collections.abc import Mapping
from typing import Any, cast

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.privacy.models import Erasure, ErasureState


@extend_schema_serializer(component_name="Erasure")
class ErasureOut(serializers.Serializer[Erasure]):
    """The erasure of a person."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(
        [state.value for state in ErasureState],
        help_text="erasing: nobody finds or reaches them any more, and the rest is being erased; "
        "done: nothing names them any more",
    )
    deliveries = serializers.IntegerField(help_text="how many they were erased from until now")
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


def _rows(help_text: str) -> Any:
    return serializers.ListField(child=cast(Any, serializers.DictField()), help_text=help_text)


@extend_schema_serializer(component_name="Export")
class ExportOut(serializers.Serializer[Mapping[str, object]]):
    """Everything that is held about a person; what each list has is in the documentation."""

    exported_at = serializers.DateTimeField()
    recipient = cast(Any, serializers.DictField(help_text="name, attributes, locale and zone"))
    contacts = _rows("devices, phones, mailboxes, webhooks and the inbox, addresses in clear")
    preferences = _rows("what they allowed and refused")
    frequency_caps = _rows("how many notifications they want at most")
    digests = _rows("how often they want to be told")
    groups = _rows("groups that they are in")
    suppressions = _rows("why nothing is sent to an address of theirs, STOPs included")
    changes = _rows("changes of their contacts and preferences")
    subscriptions = _rows("topics that they subscribe to, or have left")
    schedules = _rows("notifications that are sent to them again and again")
    inbox = _rows("items of their inbox")
    deliveries = _rows("what was made for them, with content, attempts and receipts")
    answers = _rows("notifications that they read or acknowledged")
    audit = _rows("events of the audit trail about them")
