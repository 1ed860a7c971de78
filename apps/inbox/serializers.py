"""Request and response bodies of the inbox's endpoints."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.pagination import PageQuery
from apps.api.serializers import Choice, QueryParameters, StrictSerializer
from apps.core import clock
from apps.inbox.changes import LARGEST_ID
from apps.inbox.feed.versions import LONGEST_VERSION
from apps.inbox.statuses import Change, Status
from notifier.domain.messages import DisplayType, Severity

MAX_IDS = 1_000
#: For how long an item may be snoozed.
LONGEST_SNOOZE = timedelta(days=90)


class InboxQuery(PageQuery):
    """Filters of the inbox."""

    status = Choice([status.value for status in Status], required=False)
    archived = serializers.BooleanField(
        required=False, help_text="true: the archived items, in place of those in the inbox"
    )
    snoozed = serializers.BooleanField(
        required=False, help_text="true: the items that are to come back, likewise"
    )
    severity = Choice([severity.value for severity in Severity], required=False)
    # A field, which DRF's metaclass takes out of the class: the attribute is not overridden.
    source = cast(Any, serializers.CharField(required=False, allow_blank=True, max_length=100))


class StreamQuery(QueryParameters):
    """The version after which a stream begins, and the ticket that opens it in place of a token."""

    since = serializers.CharField(
        required=False,
        max_length=LONGEST_VERSION,
        help_text="the id of the last event that you got, or `last_event_id` of a page of the "
        "inbox; `Last-Event-ID` goes before it; without either, what changes from now on",
    )
    ticket = serializers.CharField(required=False, max_length=100)


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
    seen_at = serializers.DateTimeField(
        allow_null=True, help_text="when it was on the screen, as far as that was said"
    )
    read_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    archived_at = serializers.DateTimeField(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True, help_text="when it comes back")
    notification_id = serializers.UUIDField(allow_null=True)


@extend_schema_serializer(component_name="InboxChange")
class InboxChangeIn(StrictSerializer):
    """A change of some items, or of all that are in the inbox."""

    status = Choice(
        [change.value for change in Change],
        help_text="snoozed needs snoozed_until; restored brings back what is archived or snoozed",
    )
    snoozed_until = serializers.DateTimeField(
        required=False, help_text="when snoozed items come back, within 90 days"
    )
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
        until = attrs.get("snoozed_until")
        if (until is not None) != (attrs["status"] == Change.SNOOZED):
            raise serializers.ValidationError(
                {"snoozed_until": "Give it with the status snoozed, and only then."}
            )
        if until is not None and not timedelta(0) < until - clock.moment() <= LONGEST_SNOOZE:
            raise serializers.ValidationError(
                {"snoozed_until": "It has to be in the future, and within 90 days."}
            )
        return attrs


@extend_schema_serializer(component_name="InboxChanged")
class InboxChangedOut(serializers.Serializer[Mapping[str, object]]):
    """The result of a change of items."""

    changed = serializers.IntegerField(help_text="items that were not so before")
    unknown = serializers.ListField(
        child=serializers.IntegerField(), help_text="ids that are not in this inbox (any more)"
    )


class CountsOut(serializers.Serializer[Mapping[str, object]]):
    """The numbers of unread and unseen items."""

    unread = serializers.IntegerField()
    unseen = serializers.IntegerField(help_text="those of them that were not on the screen yet")


class TicketOut(serializers.Serializer[Mapping[str, object]]):
    """A ticket for one connection to the stream."""

    ticket = serializers.CharField()
    expires_at = serializers.DateTimeField()
