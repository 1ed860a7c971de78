"""``fallback`` in the body of a request: another channel, and the steps behind it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import Choice, PathNameField, StrictSerializer, shared_serializer
from apps.delivery.intake import fallbacks
from apps.delivery.intake.fallbacks import Level
from apps.delivery.state.steps.plan import MOST, Unless

#: Seconds after which a fallback, or a step, may be sent at the latest.
LONGEST_FALLBACK = 86_400


@extend_schema_field({"$ref": "#/components/schemas/Fallback"})
class ThenField(serializers.Field[Any, Any, Any, Any]):
    """The next step: an object like the one it is in."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate the steps from here on."""
        if _depth(data) >= MOST:
            raise serializers.ValidationError(f"A fallback has at most {MOST} steps.")
        return shared_serializer(FallbackIn).run_validation(data)

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


@extend_schema_serializer(component_name="Fallback")
class FallbackIn(StrictSerializer):
    """Another channel, for recipients whom none of the others reached in time."""

    channel = Choice(list(settings.CHANNELS), help_text="not one of `channels`")
    after_seconds = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_FALLBACK,
        source="after",
        help_text="how long the other channels have, from acceptance or `send_at`; of a further "
        "step from the one before",
    )
    unless = Choice(
        [one.value for one in Unless],
        required=False,
        help_text="it goes to those for whom this does not hold by then; as the step before if "
        "left out, and `delivered` in the first",
    )
    group = PathNameField(
        required=False, help_text="a group of yours whose members get it, until one has answered"
    )
    then = ThenField(required=False, help_text=f"the next step; there are at most {MOST}")


def _depth(data: object) -> int:
    """Count how many objects lie in each other by ``then``, up to one more than are allowed."""
    depth = 0
    while isinstance(data, Mapping) and depth <= MOST:
        data, depth = data.get("then"), depth + 1
    return depth


def check_fallback(attrs: Mapping[str, Any], starts_at: datetime) -> None:
    """Check the steps against each other, the channels and the expiry.

    ``starts_at``: when the first channels are sent on. Raises ``ValidationError`` that points to
    the step.
    """
    taken = dict.fromkeys(attrs.get("channels", ()), "one of channels")
    at, expires_at = starts_at, attrs.get("expires_at")
    for level in fallbacks.levels(attrs["fallback"]):
        if not level.to_group:
            if level.channel in taken:
                raise _error(
                    level, "channel", f"{level.channel} is {taken[level.channel]} already."
                )
            taken[level.channel] = "the channel of an earlier step"
        at += timedelta(seconds=level.body["after"])
        if expires_at is not None and expires_at <= at:
            raise _error(level, "after_seconds", "It has expired by then; nothing would be sent.")


def _error(level: Level, field: str, detail: str) -> serializers.ValidationError:
    errors: dict[str, Any] = {field: detail}
    for name in reversed(level.path.split("/")):
        errors = {name: errors}
    return serializers.ValidationError(errors)
