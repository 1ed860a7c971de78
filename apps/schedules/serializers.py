"""Request and response bodies of the endpoints for schedules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import Choice, PathNameField, StrictSerializer
from apps.delivery.api.publishing.serializers import NotificationIn, PublishIn
from apps.delivery.intake import fallbacks
from apps.preferences.api.fields import TimeZoneField
from apps.schedules.models import RECIPIENT, Run, RunState, Schedule, ScheduleState
from notifier.recurrence import cron, rrule
from notifier.recurrence.local_time import FORMAT
from notifier.recurrence.planning import MOST_COUNTED, Misfire

#: Years in which a schedule may start and end.
YEARS = range(1970, 2200)
MOST_RUNS = 1_000_000
#: Seconds after which a notification may expire at the latest: four weeks.
LONGEST_EXPIRY = 28 * 86_400


_LOCAL_TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$"}
#: A moment; of a schedule on recipients' own clocks a local time.
_OCCURRENCE = {"anyOf": [{"type": "string", "format": "date-time"}, _LOCAL_TIME]}


@extend_schema_field(_LOCAL_TIME)
class LocalTimeField(serializers.CharField):
    """A time on the clocks of a zone, to the minute, as text."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            found = datetime.strptime(text, FORMAT)
        except ValueError:
            found = None
        if found is None or found.year not in YEARS:
            raise serializers.ValidationError(
                "Write a local time to the minute, as in 2026-12-01T09:00: it is on the clocks of "
                "time_zone."
            )
        return found.strftime(FORMAT)


class ClocksField(TimeZoneField):
    """The clocks that a schedule's rule is on: those of a zone, or each recipient's own."""

    def __init__(self, **options: Any) -> None:
        options["help_text"] = (
            f"IANA name, e.g. Europe/Vienna; or `{RECIPIENT}`: each recipient's own"
        )
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        return RECIPIENT if data == RECIPIENT else super().to_internal_value(data)


@extend_schema_field(_OCCURRENCE)
class OccurrenceField(serializers.DateTimeField):
    """A moment, or a local time, which stays without a zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        return value if value.tzinfo is None else super().enforce_timezone(value)


class ScheduledNotificationIn(NotificationIn):
    """A notification as it is published; with a topic or a group it names no recipients."""

    # These take the inherited fields away: each occurrence has its own time.
    send_at = cast(Any, None)
    send_at_local = cast(Any, None)
    local_time_passed = cast(Any, None)
    expires_at = cast(Any, None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "user_id" in attrs or "user_ids" in attrs:
            return super().validate(attrs)
        attrs = PublishIn.validate(self, attrs)
        return {**attrs, "user_ids": [], "named_in": ""}


@extend_schema_serializer(component_name="ScheduleChange")
class ScheduleChangeIn(StrictSerializer):
    """The fields of a schedule. `rrule` replaces `cron` and `topic` replaces `group`, and so on."""

    rrule = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=rrule.LONGEST,
        help_text="a recurrence rule of RFC 5545, without COUNT and UNTIL; this or `cron`",
    )
    cron = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=cron.LONGEST,
        help_text="minute, hour, day of month, month, day of week; this or `rrule`",
    )
    time_zone = ClocksField(required=False)
    starts_at_local = LocalTimeField(
        required=False, help_text="its first occurrence is not before; now if left out"
    )
    ends_at_local = LocalTimeField(
        required=False, allow_null=True, help_text="its last occurrence is not after"
    )
    count = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_RUNS,
        help_text="it ends after so many runs, failed ones included",
    )
    misfire = Choice(
        [one.value for one in Misfire],
        required=False,
        help_text="what was missed while the service was down: the latest is run late, or none",
    )
    expires_after_seconds = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=60,
        max_value=LONGEST_EXPIRY,
        help_text="each notification expires so long after its occurrence",
    )
    topic = serializers.CharField(
        required=False, allow_null=True, max_length=200, help_text="whose subscribers get it"
    )
    group = serializers.CharField(
        required=False, allow_null=True, max_length=200, help_text="whose members get it"
    )
    notification = ScheduledNotificationIn(required=False)


@extend_schema_serializer(component_name="ScheduleIn")
class ScheduleIn(ScheduleChangeIn):
    """A notification that recurs."""

    name = PathNameField()
    time_zone = ClocksField()
    misfire = Choice(
        [one.value for one in Misfire],
        required=False,
        default=Misfire.RUN_ONCE.value,
        help_text="what was missed while the service was down: the latest is run late, or none",
    )
    notification = ScheduledNotificationIn()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("rrule")) == bool(attrs.get("cron")):
            raise serializers.ValidationError("Give either rrule or cron.")
        named = bool(attrs["notification"]["user_ids"])
        audiences = [name for name in ("topic", "group") if attrs.get(name)]
        if len(audiences) + named != 1:
            raise serializers.ValidationError(
                "Say who gets it: topic, group, or user_ids in the notification; one of them."
            )
        _check_expiry(attrs)
        return attrs


def _check_expiry(attrs: Mapping[str, Any]) -> None:
    """Check that a notification does not expire before its fallback's last step is due."""
    seconds, notification = attrs.get("expires_after_seconds"), attrs["notification"]
    if seconds is None or "fallback" not in notification:
        return
    last = sum(level.body["after"] for level in fallbacks.levels(notification["fallback"]))
    if seconds <= last:
        raise serializers.ValidationError(
            {
                "expires_after_seconds": f"The notification's fallback goes on for {last:,} "
                "seconds, and would not be sent. Let it expire later than that, or shorten the "
                "fallback."
            }
        )


class SkipIn(StrictSerializer):
    """The occurrence to skip."""

    occurrence = OccurrenceField(
        help_text="the schedule's `next_at`, or the first of its `next_occurrences`"
    )


class ScheduleOut(serializers.Serializer[Schedule]):
    """A schedule in a list."""

    name = serializers.CharField()
    state = serializers.ChoiceField(ScheduleState.values)
    rrule = serializers.SerializerMethodField()
    cron = serializers.SerializerMethodField()
    time_zone = serializers.CharField()
    starts_at_local = serializers.CharField()
    ends_at_local = serializers.SerializerMethodField()
    count = serializers.IntegerField(allow_null=True)
    misfire = serializers.CharField()
    expires_after_seconds = serializers.IntegerField(source="expires_after", allow_null=True)
    topic = serializers.SerializerMethodField()
    group = serializers.SerializerMethodField()
    next_at = serializers.DateTimeField(
        allow_null=True,
        help_text="its next occurrence; on recipients' own clocks when it is that time first",
    )
    runs = serializers.IntegerField(help_text="runs until now, failed ones included")
    failures = serializers.IntegerField(help_text="runs that failed in a row, up to the last one")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_rrule(self, row: Schedule) -> str | None:
        return row.rrule or None

    def get_cron(self, row: Schedule) -> str | None:
        return row.cron or None

    def get_ends_at_local(self, row: Schedule) -> str | None:
        return row.ends_at_local or None

    def get_topic(self, row: Schedule) -> str | None:
        return row.topic or None

    def get_group(self, row: Schedule) -> str | None:
        return row.group or None


class ScheduleDetailOut(ScheduleOut):
    """A schedule with its notification and upcoming occurrences."""

    notification = cast(Any, serializers.DictField(help_text="as it was posted"))
    next_occurrences = serializers.ListField(
        child=OccurrenceField(),
        help_text="the next five, in its zone, or as local times on recipients' own clocks; of a "
        "paused one as if it were resumed now",
    )


@extend_schema_serializer(component_name="ScheduleRun")
class RunOut(serializers.Serializer[Run]):
    """The outcome of an occurrence, or of a run by hand."""

    occurrence = serializers.SerializerMethodField(
        help_text="a local time where it was on recipients' own clocks; null for a run by hand"
    )
    state = serializers.ChoiceField(RunState.values)
    at = serializers.DateTimeField()
    notification_id = serializers.UUIDField(allow_null=True)
    missed = serializers.IntegerField(
        help_text=f"occurrences before it that were missed, up to {MOST_COUNTED:,}"
    )
    problem = serializers.SerializerMethodField(
        help_text="type of the problem of a run that failed"
    )
    detail = serializers.CharField(help_text="what went wrong, or a remark")

    @extend_schema_field({"anyOf": [*_OCCURRENCE["anyOf"], {"type": "null"}]})
    def get_occurrence(self, row: Run) -> str | None:
        if row.local or row.occurrence is None:
            return row.local or None
        return str(serializers.DateTimeField().to_representation(row.occurrence))

    def get_problem(self, row: Run) -> str | None:
        return f"/problems/{row.problem}" if row.problem else None


class ManualRunOut(serializers.Serializer[Mapping[str, object]]):
    """The notification of a run by hand."""

    notification_id = serializers.UUIDField()
