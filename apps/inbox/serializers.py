"""Request and response bodies of the inbox's endpoints."""

from collections.abc import Mapping
from typing import Any, cast

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.pagination import PageQuery
from apps.api.serializers import Choice, StrictSerializer
from apps.inbox.changes import LARGEST_ID
from apps.inbox.statuses import DELETED, Status
from notifier.domain.messages import DisplayType, Severity

MAX_IDS = 1_000


class InboxQuery(PageQuery):
    """Filters of the inbox."""

    status = Choice([status.value for status in Status], required=False)
    severity = Choice([severity.value for severity in Severity], required=False)
    # A field, which DRF's metaclass takes out of the class: the attribute is not overridden.
    source = cast(Any, serializers.CharField(required=False, allow_blank=True, max_length=100))


class InboxItemOut(serializers.Serializer[Mapping[str, object]]):
    """A notification in the inbox."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    body = serializers.CharField()
    data = cast(Any, serializers.DictField())  # taken out of the class, like ``source``
    actions = serializers.DictField(child=serializers.CharField(), help_text="URLs by label")
    severity = serializers.ChoiceField([severity.value for severity in Severity])
    display_type = serializers.ChoiceField([shown.value for shown in DisplayType])
    source = cast(
        Any,
        serializers.CharField(help_text="the system it comes from, empty if none was named"),
    )
    status = serializers.ChoiceField([status.value for status in Status])
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="when it disappears")
    read_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    notification_id = serializers.UUIDField(allow_null=True)


@extend_schema_serializer(component_name="InboxChange")
class InboxChangeIn(StrictSerializer):
    """A new status for some items or all."""

    status = Choice([*(status.value for status in Status), DELETED])
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        required=False,
        allow_empty=False,
        max_length=MAX_IDS,
    )
    all = serializers.BooleanField(required=False, help_text="true, instead of ids")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == attrs.get("all", False):
            raise serializers.ValidationError("Give either ids, or all: true.")
        return attrs


@extend_schema_serializer(component_name="InboxChanged")
class InboxChangedOut(serializers.Serializer[Mapping[str, object]]):
    """The result of a change of items."""

    changed = serializers.IntegerField(help_text="items that did not have the status before")
    unknown = serializers.ListField(
        child=serializers.IntegerField(), help_text="ids that are not in this inbox (any more)"
    )


class UnreadOut(serializers.Serializer[Mapping[str, object]]):
    """The number of unread items."""

    unread = serializers.IntegerField()
