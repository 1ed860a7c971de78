"""Bodies of requests to publish, and of the answer to an acceptance."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.openapi import ProblemDetails
from apps.api.serializers import Choice, Items, NameField, StrictSerializer
from apps.content.serializers import TemplateUseIn
from apps.core import clock
from apps.delivery.api.publishing.contents import ContentIn, check_words
from apps.delivery.api.publishing.fallbacks import FallbackIn, check_fallback
from apps.delivery.api.publishing.metadata import MetadataField, ReferenceField
from apps.delivery.intake import deduplication
from apps.delivery.intake.drafts import LONGEST_AHEAD, SEND, SKIP
from apps.delivery.intake.earlier import unreached_audience
from apps.delivery.models import Notification
from apps.preferences.api.fields import CategoryField, UserIdField
from apps.preferences.digests.fields import DigestIn
from notifier.domain.priorities import Priority
from notifier.domain.times import local_time

RECIPIENTS_LIMIT = 1_000
BATCH_LIMIT = 1_000
_LOCAL_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
#: Years of a local time: all of its instants can be computed.
_YEARS = 1970, 9998


class LocalTimeField(serializers.CharField):
    """A time as clocks on the wall show it, without a zone; its text in ISO 8601."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=19, **options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not _LOCAL_TIME.fullmatch(text):
            raise serializers.ValidationError(
                "Write a local time without an offset, as in 2026-12-01T09:00."
            )
        try:
            wall = datetime.fromisoformat(text)
        except ValueError:
            raise serializers.ValidationError("There is no such date or time.") from None
        if not _YEARS[0] <= wall.year <= _YEARS[1]:
            raise serializers.ValidationError("Write a year of our time.")
        return wall.isoformat()


class PublishIn(StrictSerializer):
    """A notification for everybody subscribed to a topic."""

    content = ContentIn(
        required=False,
        help_text="either this or `template`, beside which it has `severity`, `display_type` and "
        "`source` only",
    )
    template = TemplateUseIn(
        required=False, help_text="in place of `title`, `body`, `data` and `actions`"
    )
    priority = Choice(
        [p.value for p in Priority],
        required=False,
        help_text="the topic's default if left out, and `normal` without a topic",
    )
    category = CategoryField(
        required=False,
        help_text="what people choose by; the topic's or the template's if left out",
    )
    channels = serializers.ListField(
        child=Choice(list(settings.CHANNELS)),
        min_length=1,
        max_length=len(settings.CHANNELS),
        required=False,
        help_text="only these channels; every channel that has a provider if left out",
    )
    fallback = FallbackIn(
        required=False, help_text="the channel for recipients whom none of the others reached"
    )
    send_at = serializers.DateTimeField(
        required=False, help_text="send it then; at once if it is past"
    )
    send_at_local = LocalTimeField(
        required=False, help_text="when each recipient gets it, in their own time zone"
    )
    local_time_passed = Choice(
        [SEND, SKIP],
        required=False,
        help_text="what becomes of those for whom `send_at_local` has passed; `send`: at once, "
        "which it is if left out",
    )
    expires_at = serializers.DateTimeField(required=False, help_text="not sent after this time")
    collapse_key = NameField(
        max_length=64,
        required=False,
        default="",
        allow_blank=True,
        help_text="a later push under the same key replaces this one on the device",
    )
    ordering_key = NameField(
        max_length=128,
        required=False,
        default="",
        allow_blank=True,
        help_text="deliveries to one recipient on a channel go out in the order accepted under it",
    )
    reference = ReferenceField(
        default="",
        allow_blank=True,
        help_text="your own id of it, to find it by; need not be unique; nobody is sent it",
    )
    metadata = MetadataField(
        help_text="texts by name, shown where the notification is; nobody is sent them"
    )
    digest = DigestIn(
        required=False,
        help_text="tell each recipient of it together with others, when the digest closes",
    )
    deduplicate_seconds = serializers.IntegerField(
        min_value=1,
        max_value=deduplication.LONGEST,
        required=False,
        help_text="accept the same content, audience and channels once within so many seconds",
    )

    def validate_channels(self, channels: list[str]) -> list[str]:
        return list(dict.fromkeys(channels))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "content" not in attrs and "template" not in attrs:
            raise serializers.ValidationError({"content": "Give content or a template."})
        check_words(attrs)
        _check_local_time(attrs)
        expires_at, send_at = attrs.get("expires_at"), attrs.get("send_at")
        if "send_at_local" in attrs:
            send_at = local_time.earliest(attrs["send_at_local"])
        given = "send_at_local" if "send_at_local" in attrs else "send_at"
        if send_at is not None and send_at > clock.moment() + LONGEST_AHEAD:
            raise serializers.ValidationError(
                {given: f"It can be at most {LONGEST_AHEAD.days} days from now."}
            )
        if send_at is not None and attrs["ordering_key"]:
            raise serializers.ValidationError(
                {given: "With an ordering_key the order is that of acceptance. Leave one out."}
            )
        if expires_at is not None:
            if expires_at <= clock.moment():
                raise serializers.ValidationError(
                    {"expires_at": "It is past already; nothing would be sent."}
                )
            if send_at is not None and expires_at <= send_at:
                raise serializers.ValidationError(
                    {"expires_at": f"It must be after {given}, or nothing would be sent."}
                )
        if "digest" in attrs:
            _check_digest(attrs)
        if "fallback" in attrs:
            check_fallback(attrs, max(send_at or clock.moment(), clock.moment()))
        return attrs


def _check_local_time(attrs: dict[str, Any]) -> None:
    """Check ``send_at_local``, if there is one, and make it a ``datetime``."""
    if "send_at_local" not in attrs:
        if "local_time_passed" in attrs:
            raise serializers.ValidationError(
                {"local_time_passed": "It says more of send_at_local: give that, too."}
            )
        return
    wall = attrs["send_at_local"] = datetime.fromisoformat(attrs["send_at_local"])
    if "send_at" in attrs:
        raise serializers.ValidationError(
            {"send_at_local": "Give either send_at or send_at_local, not both."}
        )
    skips = attrs.get("local_time_passed") == SKIP
    if skips and local_time.latest(wall) <= clock.moment():
        raise serializers.ValidationError(
            {"send_at_local": "It is past everywhere; nothing would be sent."}
        )


def _check_digest(attrs: dict[str, Any]) -> None:
    if "fallback" in attrs:
        raise serializers.ValidationError(
            {"digest": "What waits for a digest has reached nobody in time. Leave fallback out."}
        )
    if attrs.get("priority") == Priority.HIGH:
        raise serializers.ValidationError(
            {"digest": "High priority waits for no digest. Leave one of the two out."}
        )


class NotificationIn(PublishIn):
    """A notification for recipients named by ``user_id`` or ``user_ids``."""

    user_id = UserIdField(required=False)
    user_ids = serializers.ListField(
        child=UserIdField(),
        min_length=1,
        max_length=RECIPIENTS_LIMIT,
        required=False,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "user_id" in attrs and "user_ids" in attrs:
            raise serializers.ValidationError("Give either user_id or user_ids, not both.")
        if "user_id" not in attrs and "user_ids" not in attrs:
            raise serializers.ValidationError("Name recipients with user_id or user_ids.")
        attrs = super().validate(attrs)
        attrs["named_in"] = "user_id" if "user_id" in attrs else "user_ids"
        named = attrs.pop("user_ids", None) or [attrs.pop("user_id")]
        attrs["user_ids"] = list(dict.fromkeys(named))
        return attrs


class AudienceIn(StrictSerializer):
    """The people who did not get an earlier notification of yours."""

    not_reached_by = serializers.UUIDField(help_text="the earlier notification, which is done")
    states = serializers.ListField(
        child=Choice([str(state) for state in unreached_audience.STATES]),
        min_length=1,
        required=False,
        help_text="all of a person's deliveries are in one of these; if left out, in any but "
        "`accepted`, `delivered` and `unknown`",
    )


class NotifyIn(NotificationIn):
    """A notification for recipients: named, or those whom an earlier one did not reach."""

    audience = AudienceIn(
        required=False, help_text="in place of `user_id` or `user_ids`, and once for each person"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "audience" not in attrs:
            return super().validate(attrs)
        if "user_id" in attrs or "user_ids" in attrs:
            raise serializers.ValidationError("Give either an audience or recipients, not both.")
        return {**PublishIn.validate(self, attrs), "named_in": "audience", "user_ids": []}


class BatchIn(StrictSerializer):
    """Up to 1,000 different notifications; each is checked and answered on its own."""

    notifications = Items(NotificationIn, max_length=BATCH_LIMIT)


class AcceptedOut(serializers.ModelSerializer[Notification]):
    """An accepted notification."""

    # A field of any kind, since ``NotificationOut`` replaces it.
    state: serializers.Field[Any, Any, Any, Any] = serializers.SerializerMethodField(
        help_text="`scheduled` if it is for later"
    )

    class Meta:
        model = Notification
        fields = ("id", "state", "priority", "channels", "created_at", "send_at", "expires_at")

    def get_state(self, row: Notification) -> str:
        return "scheduled" if row.is_scheduled() else "accepted"


class WarningOut(serializers.Serializer[Mapping[str, str]]):
    """A warning about an accepted notification that may not be as intended."""

    pointer = serializers.CharField(help_text="JSON pointer into the request")
    detail = serializers.CharField()


class TakenOut(AcceptedOut):
    """The answer to an acceptance: the notification, with warnings."""

    reference = serializers.CharField(required=False, help_text="as posted; absent without one")
    metadata = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="as posted; absent without any"
    )
    replay_of = serializers.UUIDField(
        required=False, help_text="the notification that it sends again; else absent"
    )
    deduplicated = serializers.BooleanField(
        required=False, help_text="true if an earlier notification was the same; else absent"
    )
    warnings = WarningOut(
        many=True,
        required=False,
        help_text="channels on which a recipient has no address or the backlog is large",
    )

    class Meta:
        model = Notification
        fields = (
            *AcceptedOut.Meta.fields,
            "reference",
            "metadata",
            "replay_of",
            "deduplicated",
            "warnings",
        )


@extend_schema_serializer(component_name="BatchResult")
class BatchResultOut(serializers.Serializer[Mapping[str, object]]):
    """The result for one notification of a batch."""

    index = serializers.IntegerField(help_text="position in the request, from 0")
    status = serializers.ChoiceField(["accepted", "error"])
    notification = TakenOut(required=False)
    problem = ProblemDetails(required=False)


class BatchOut(serializers.Serializer[Mapping[str, object]]):
    """One result for each notification, in the order of the request."""

    results = BatchResultOut(many=True)
