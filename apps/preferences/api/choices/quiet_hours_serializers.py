"""Request and response bodies of the endpoints for quiet hours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.json_types import AnyField
from apps.api.serializers import Choice, StrictSerializer
from apps.core import clock
from apps.preferences.models import Recipient
from apps.preferences.quiet_hours import schedules
from apps.preferences.quiet_hours.schedules import COMPANY, OWN
from notifier.domain.times.quiet_hours import DAYS, DISTURBING, MOST_WINDOWS, InvalidSchedule

NIGHTS = {"days": ["sun", "mon", "tue", "wed", "thu"], "from": "22:00", "to": "07:00"}
WEEKENDS = {"days": ["fri", "sat"], "from": "23:00", "to": "09:30"}
#: An example of a request.
EXAMPLE = {"windows": [NIGHTS, WEEKENDS]}


def _named(fields: dict[str, AnyField]) -> dict[str, AnyField]:
    """Name the times as JSON does: ``from`` cannot be the name of an attribute."""
    return {"days": fields["days"], "from": fields["begins"], "to": fields["ends"]}


class QuietWindowIn(StrictSerializer):
    """A time of quiet that begins on each of these days."""

    days = serializers.ListField(
        child=Choice(list(DAYS)), min_length=1, max_length=len(DAYS), help_text="on which it begins"
    )
    begins = serializers.CharField(max_length=5, help_text="local time, e.g. 22:00")
    ends = serializers.CharField(
        max_length=5, help_text="the next day, unless it is after `from`; 24:00 is midnight"
    )

    def get_fields(self) -> dict[str, AnyField]:
        return _named(super().get_fields())


class QuietHoursIn(StrictSerializer):
    """A person's quiet hours, in their time zone."""

    windows = QuietWindowIn.many_init(
        max_length=MOST_WINDOWS, help_text="an empty list: none at all, whatever the company's are"
    )
    channels = serializers.ListField(
        child=Choice(schedules.channels()),
        required=False,
        max_length=len(settings.CHANNELS),
        help_text=f"where nothing disturbs them; {' and '.join(DISTURBING)} if left out",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the schedule, as ``schedule``."""
        try:
            return {"schedule": schedules.parse(attrs)}
        except InvalidSchedule as error:
            raise serializers.ValidationError(_nested(str(error), error.path)) from None


def _nested(sentence: str, path: tuple[str | int, ...]) -> Any:
    detail: Any = [sentence]
    for step in reversed(path):
        detail = {step: detail}
    return detail


@extend_schema_serializer(component_name="QuietWindow")
class QuietWindowOut(serializers.Serializer[Mapping[str, object]]):
    """A time of quiet that begins on each of these days."""

    days = serializers.ListField(child=serializers.ChoiceField(DAYS))
    begins = serializers.CharField(help_text="local time")
    ends = serializers.CharField(help_text="the next day, unless it is after `from`")

    def get_fields(self) -> dict[str, AnyField]:
        return _named(super().get_fields())


class QuietHoursOut(serializers.Serializer[Mapping[str, object]]):
    """The quiet hours that apply to a person."""

    windows = QuietWindowOut(many=True)
    channels = serializers.ListField(child=serializers.CharField())
    # The name is also an attribute of DRF's fields: its metaclass takes the field out of the class.
    source = cast(
        Any,
        serializers.ChoiceField(
            [OWN, COMPANY],
            help_text="`company`: its default, where the person has none of their own",
        ),
    )
    time_zone = serializers.CharField(
        help_text="the person's, or the company's where theirs is not known"
    )
    quiet_until = serializers.DateTimeField(
        allow_null=True, help_text="when the quiet hours end that it is in now; null: in none"
    )


def shown(person: Recipient) -> dict[str, object]:
    """Return the body that shows the quiet hours of a person."""
    own = person.quiet_hours is not None
    quiet = schedules.of(person)
    found = quiet.stretch(clock.now())
    return {
        **quiet.schedule.as_json(),
        "source": OWN if own else COMPANY,
        "time_zone": quiet.zone.key,
        "quiet_until": datetime.fromtimestamp(found.ends, UTC) if found.quiet else None,
    }
