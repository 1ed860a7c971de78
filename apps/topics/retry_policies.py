"""Retry policies as publishers write them, as rows store them and as responses show them.

``apps.topics.stored_policies`` has the shapes.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.serializers import StrictSerializer
from apps.preferences.api.fields import (
    ChannelField,
    check_secret,
    contact_channels,
    parse_destination,
)
from apps.preferences.channels import WEBHOOK
from apps.preferences.contacts import services as contact_services
from apps.preferences.contacts.services import Address
from apps.preferences.models import Contact
from apps.topics.models import Subscription, Topic
from apps.topics.stored_policies import (
    AfterLast,
    ContactRef,
    PostedAfterLast,
    PostedEndpoint,
    PostedPolicy,
    ShownEndpoint,
    ShownPolicy,
    StoredPolicy,
)

#: The number that AWS SNS makes to SMTP, SMS and mobile push ("Message delivery retries").
MAX_ATTEMPTS = 50
#: Seconds: the longest wait of the schedule that Standard Webhooks 1.0.0 proposes.
MAX_WAIT = 86400
#: Seconds of all waits together. AWS SNS allows an HTTP endpoint 3,600 s and retries its own
#: services for 23 days; the schedule of Standard Webhooks takes three days.
MAX_TOTAL = 7 * 86400
DEAD_LETTER: Final = "dead_letter"


class EndpointIn(StrictSerializer):
    """The endpoint to send to after the last attempt."""

    channel = ChannelField(
        contact_channels(), instead="An endpoint belongs to nobody.", help_text="not push or inbox"
    )
    address = serializers.CharField(max_length=4096)
    secret = serializers.CharField(
        required=False, validators=[check_secret], help_text="with a webhook's URL"
    )


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": [DEAD_LETTER]},
            {
                "type": "object",
                "properties": {
                    "channel": {"type": "string", "enum": contact_channels()},
                    "address": {
                        "type": "string",
                        "maxLength": 4096,
                        "description": "masked in responses",
                    },
                    "secret": {
                        "type": "string",
                        "description": "a webhook's signing secret; never in a response",
                    },
                },
                "required": ["channel", "address"],
                "additionalProperties": False,
            },
        ]
    }
)
class AfterLastField(serializers.Field[Any, Any, str | ShownEndpoint, ShownPolicy]):
    """The action after the last attempt: ``dead_letter``, or an endpoint to send to instead."""

    def to_internal_value(self, data: Any) -> PostedAfterLast:
        if isinstance(data, Mapping):
            return cast(PostedEndpoint, EndpointIn().run_validation(data))
        if data != DEAD_LETTER:
            raise serializers.ValidationError(
                f"Write {DEAD_LETTER!r}, or an object with channel and address."
            )
        return DEAD_LETTER

    def to_representation(self, value: AfterLast) -> str | ShownEndpoint:
        if value == DEAD_LETTER:
            return value
        contact_id = value["contact_id"]
        known: Mapping[int, ShownEndpoint]
        known = self.context.get("endpoints") or _endpoints_of([value])
        return known[contact_id]


class SecondsField(serializers.FloatField):
    """A finite number of seconds; Python would accept ``nan`` and ``inf``."""

    def to_internal_value(self, data: Any) -> float:
        seconds = super().to_internal_value(data)
        if not math.isfinite(seconds):
            self.fail("invalid")
        return seconds


class RetryPolicyField(StrictSerializer):
    """A retry policy: when and how often to retry, and what follows the last attempt."""

    schedule = serializers.ListField(
        child=SecondsField(min_value=0, max_value=MAX_WAIT),
        max_length=MAX_ATTEMPTS - 1,
        help_text="seconds to wait after the first, second, … attempt; empty: one attempt only",
    )
    attempts = serializers.IntegerField(
        min_value=1,
        max_value=MAX_ATTEMPTS,
        required=False,
        help_text="number of attempts; the last wait repeats. By default one more than waits",
    )
    after_last = AfterLastField(
        required=False, help_text="`dead_letter` (the default), or an endpoint to send to instead"
    )

    def validate(self, policy: PostedPolicy) -> PostedPolicy:
        waits = policy["schedule"]
        attempts = policy.get("attempts", len(waits) + 1)
        if attempts > 1 and not waits:
            raise serializers.ValidationError(
                {"schedule": ["Say how long to wait between the attempts."]}
            )
        repeated = max(0, attempts - 1 - len(waits)) * waits[-1] if waits else 0
        if sum(waits[: attempts - 1]) + repeated > MAX_TOTAL:
            raise serializers.ValidationError(
                {"schedule": [f"All waits together are at most {MAX_TOTAL} seconds."]}
            )
        return policy

    def to_representation(self, policy: StoredPolicy) -> dict[str, Any]:
        whole: ShownPolicy = {
            "schedule": policy["schedule"],
            "attempts": policy.get("attempts", len(policy["schedule"]) + 1),
            "after_last": policy.get("after_last", DEAD_LETTER),
        }
        return super().to_representation(whole)


def check_confirmed(policy: PostedPolicy | StoredPolicy | None) -> None:
    """Refuse a policy's endpoint that would have to confirm, for a topic that requires that.

    ``policy`` is as validated or as stored. Raises ``ValidationError``.
    """
    after_last = policy.get("after_last") if policy else None
    if not isinstance(after_last, Mapping):
        return
    known: PostedEndpoint | ShownEndpoint | None
    if "channel" in after_last:
        known = after_last
    else:
        known = _endpoints_of([after_last]).get(after_last["contact_id"])
    if known is not None and known["channel"] != WEBHOOK:
        problem = (
            "The topic requires confirmation, and nobody asks this endpoint for it: choose a "
            "webhook, or dead_letter."
        )
        raise serializers.ValidationError({"retry_policy": {"after_last": {"channel": [problem]}}})


def stored(
    publisher_id: int, policy: PostedPolicy | None, before: StoredPolicy | None = None
) -> StoredPolicy | None:
    """Return a validated policy as the row stores it; its endpoint becomes a publisher's contact.

    An endpoint that equals the one of ``before`` as responses show it (masked) is kept. Raises
    ``ValidationError``.
    """
    if policy is None:
        return None
    wanted = policy.get("after_last")
    if not isinstance(wanted, Mapping):
        return cast(StoredPolicy, dict(policy))  # without an endpoint both shapes are the same
    for contact_id, known in endpoints([before]).items():
        if wanted == known:
            return {**policy, "after_last": {"contact_id": contact_id}}
    try:
        contact_id = _contact(publisher_id, **wanted)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"retry_policy": {"after_last": error.detail}}) from None
    return {**policy, "after_last": {"contact_id": contact_id}}


def check_stored(policy: object) -> None:
    """Check a policy in stored form that was written by hand. Raises ``ValidationError``."""
    if not isinstance(policy, Mapping):
        raise ValidationError("Write an object with a schedule.")
    after_last = policy.get("after_last", DEAD_LETTER)
    try:
        rest = {name: value for name, value in policy.items() if name != "after_last"}
        RetryPolicyField().run_validation(rest)
    except serializers.ValidationError as error:
        raise ValidationError(str(error.detail)) from None
    if after_last == DEAD_LETTER:
        return
    contact_id = after_last.get("contact_id") if isinstance(after_last, Mapping) else None
    if type(contact_id) is not int or contact_id not in endpoints([cast(StoredPolicy, policy)]):
        raise ValidationError(f"after_last is {DEAD_LETTER!r} or {{'contact_id': …}}.")


def endpoints(policies: Iterable[StoredPolicy | None]) -> dict[int, ShownEndpoint]:
    """Return the endpoints of stored policies, by contact id, addresses masked."""
    chosen = [policy.get("after_last") for policy in policies if policy]
    return _endpoints_of(one for one in chosen if isinstance(one, Mapping))


def _endpoints_of(chosen: Iterable[ContactRef]) -> dict[int, ShownEndpoint]:
    ids = {one["contact_id"] for one in chosen}
    if not ids:
        return {}
    rows = Contact.objects.filter(pk__in=ids).values_list("pk", "channel", "masked")
    return {pk: {"channel": channel, "address": masked} for pk, channel, masked in rows}


def context(rows: Iterable[Topic | Subscription]) -> dict[str, dict[int, ShownEndpoint]]:
    """Return the context for serializers of these rows: the endpoints of their policies."""
    return {"endpoints": endpoints(row.retry_policy for row in rows)}


@transaction.atomic
def _contact(publisher_id: int, channel: str, address: str, secret: str = "") -> int:
    if secret and channel != WEBHOOK:
        raise serializers.ValidationError({"secret": ["This goes with a webhook."]})
    if "•" in address:
        raise serializers.ValidationError({"address": ["It is masked: write it out."]})
    parsed = parse_destination(channel, address)
    wanted = Address(None, channel, parsed, secret=secret, publisher_id=publisher_id)
    found = contact_services.upsert_contacts([wanted])[wanted]
    if channel == WEBHOOK and found.secret and not secret:
        # One was generated just now, and no response would ever show it.
        raise serializers.ValidationError(
            {"secret": ["Give the secret that it is signed with: whsec_ and base64."]}
        )
    return found.id
