"""Serializers of bulk actions."""

from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.api.pagination import PageQuery
from apps.api.serializers import Choice, NameField, StrictSerializer
from apps.bulk.actions import ACTIONS
from apps.bulk.models import ActionKind, BulkAction, BulkState
from apps.delivery.api.publishing.metadata import ReferenceField
from apps.delivery.selectors import NotificationState
from apps.preferences.api.fields import CategoryField
from notifier.domain.priorities import Priority

#: The actions that publishers may begin; the others are for operators.
OFFERED = (ActionKind.REDRIVE, ActionKind.RELEASE, ActionKind.CANCEL)
#: States of what can be cancelled.
_OPEN = (NotificationState.SCHEDULED, NotificationState.SENDING)


class BulkBody(TypedDict):
    """A bulk action as it is posted. ``match``: the criteria, JSON-ready."""

    action: str
    match: dict[str, Any]


@extend_schema_serializer(component_name="BulkMatch")
class BulkMatchIn(StrictSerializer):
    """Criteria; all that are given must hold. Each action has some of them."""

    topic = NameField(max_length=200, required=False, help_text="its name; redrive, cancel")
    channel = Choice(list(settings.CHANNELS), required=False, help_text="redrive, release")
    provider = NameField(max_length=40, required=False, help_text="redrive, release")
    reason = NameField(max_length=40, required=False, help_text="redrive, release")
    priority = Choice([p.value for p in Priority], required=False, help_text="release, cancel")
    notification_id = serializers.UUIDField(required=False, help_text="release")
    reference = ReferenceField(help_text="cancel")
    category = CategoryField(required=False, help_text="cancel")
    state = Choice([str(one) for one in _OPEN], required=False, help_text="cancel")
    since = serializers.DateTimeField(required=False, help_text="accepted then or later; cancel")
    until = serializers.DateTimeField(required=False, help_text="accepted before then; cancel")
    died_after = serializers.DateTimeField(required=False, help_text="then or later; redrive")
    died_before = serializers.DateTimeField(required=False, help_text="redrive")


class BulkActionIn(StrictSerializer):
    """A bulk action to begin: its kind, and the criteria of the rows."""

    action = Choice([str(one) for one in OFFERED])
    match = BulkMatchIn(help_text="the criteria; `{}` for all, but for `cancel`")

    def validate(self, attrs: BulkBody) -> BulkBody:
        known = ACTIONS[attrs["action"]].criteria
        wrong = {
            name: f"{attrs['action']} has no such criterion, but: {', '.join(_offered(known))}."
            for name in attrs["match"]
            if name not in known
        }
        if wrong:
            raise serializers.ValidationError({"match": wrong})
        if attrs["action"] == ActionKind.CANCEL and not attrs["match"]:
            raise serializers.ValidationError({"match": "Name something, or all is cancelled."})
        return {
            "action": attrs["action"],
            "match": {name: _json(value) for name, value in attrs["match"].items()},
        }


class BulkActionOut(serializers.ModelSerializer[BulkAction]):
    """A bulk action, and how far it is."""

    action = serializers.ChoiceField([str(one) for one in OFFERED])
    state = serializers.ChoiceField([str(one) for one in BulkState])
    match = serializers.SerializerMethodField(help_text="as posted; a reference until it ends")
    counts = serializers.SerializerMethodField(
        help_text="what became of those it has gone through, by name"
    )
    total = serializers.IntegerField(
        allow_null=True,
        help_text="how many matched when it began; null until then, and where it is not known",
    )
    done = serializers.IntegerField(help_text="how many of them it has gone through")

    class Meta:
        model = BulkAction
        fields = (
            "id",
            "action",
            "match",
            "state",
            "total",
            "done",
            "counts",
            "requested_at",
            "started_at",
            "finished_at",
        )

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_match(self, row: BulkAction) -> dict[str, Any]:
        return dict(row.match)

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_counts(self, row: BulkAction) -> dict[str, int]:
        return dict(row.counts)


class BulkActionsQuery(PageQuery):
    """Query parameters that select bulk actions."""

    action = Choice([str(one) for one in OFFERED], required=False)


def _offered(known: tuple[str, ...]) -> list[str]:
    """Return the criteria that the API has."""
    return sorted(name for name in known if name in BulkMatchIn().fields)


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
