"""Dry runs: the same bodies as for publishing, and nothing is accepted."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.delivery.api.notification_views import NOTIFICATIONS
from apps.delivery.api.publishing.openapi import NEWS, REFUSALS
from apps.delivery.api.publishing.serializers import NotifyIn, PublishIn, WarningOut
from apps.delivery.api.publishing.views import GroupNotifyView, NotifyView, PublishView, SingleView
from apps.delivery.operations import dry_run
from apps.delivery.operations.dry_run import ChannelForecast
from apps.preferences.selectors import reached
from apps.publishers.api.caller import publisher_of

F = TypeVar("F", bound=Callable[..., Any])
HELLO = OpenApiExample(
    "Two people",
    {"user_ids": ["ada", "bob"], "content": {"title": "Shipped", "body": "It is on its way."}},
    request_only=True,
)


class ChannelDryRunOut(serializers.Serializer[Mapping[str, object]]):
    """The forecast of the deliveries on one channel."""

    audience = serializers.IntegerField(
        help_text="how many subscriptions, members or recipients there are"
    )
    judged = serializers.IntegerField(
        help_text="how many of them were judged; where these are fewer, the numbers are estimates"
    )
    people = serializers.IntegerField(help_text="how many people and bare addresses would get it")
    now = serializers.IntegerField(help_text="how many deliveries would be sent at once")
    later = serializers.DictField(
        child=serializers.IntegerField(), help_text="how many later, by the reason to wait"
    )
    not_sent = serializers.DictField(
        child=serializers.IntegerField(), help_text="how many not at all, by reason"
    )


class StepDryRunOut(ChannelDryRunOut):
    """The forecast of a step of the fallback."""

    number = serializers.IntegerField(help_text="from 1")
    channel = serializers.CharField()


class DryRunOut(serializers.Serializer[Mapping[str, object]]):
    """The forecast of a notification: what posting it now would do."""

    exact = serializers.BooleanField(help_text="whether all were judged on every channel")
    priority = serializers.CharField()
    category = serializers.CharField(allow_null=True)
    channels = serializers.DictField(child=ChannelDryRunOut(), help_text="by channel")
    fallback = serializers.DictField(
        child=ChannelDryRunOut(), help_text="the fallback's channel, at most: if none were reached"
    )
    steps = StepDryRunOut(many=True, help_text="of a fallback with steps, each at most likewise")
    warnings = WarningOut(many=True)


class DryRunView(SingleView):
    """Base of the dry runs of the endpoints that take one notification."""

    def high_posted(self, request: Request) -> int:
        return 0  # nothing is posted

    def dry_run(self, request: Request) -> Response:
        """Judge the audience of what is in the request."""
        self.require_permitted(request)
        validated = self.read(request)
        draft = validated.draft_builder(reached(validated.user_ids))
        found = dry_run.forecast(publisher_of(request).id, draft)
        fallback = dict([found.fallback]) if found.fallback else {}
        return Response(
            {
                "exact": found.exact,
                "priority": draft.priority,
                "category": draft.category.name if draft.category else None,
                "channels": {name: _shown(one) for name, one in found.channels.items()},
                "fallback": {name: _shown(one) for name, one in fallback.items()},
                "steps": [
                    {"number": step.number, "channel": step.channel, **_shown(one)}
                    for step, one in found.steps
                ],
                "warnings": list(draft.warnings),
            }
        )


def dry_runs(operation_id: str, body: type[Any], example: OpenApiExample) -> Callable[[F], F]:
    """Describe a dry run, for a view's ``post``."""
    return extend_schema(
        operation_id=operation_id,
        request=body,
        responses={200: DryRunOut, **REFUSALS},
        examples=[example],
        tags=[NOTIFICATIONS],
    )


class NotifyDryRun(DryRunView, NotifyView):
    """Dry run of a notification to named recipients."""

    @dry_runs("dry_run_notify", NotifyIn, HELLO)
    def post(self, request: Request) -> Response:
        """Say how many of these recipients would get it, when, and why the others would not.

        Nothing is accepted, counted or sent. The numbers are of deliveries, one an address.
        """
        return self.dry_run(request)


class PublishDryRun(DryRunView, PublishView):
    """Dry run of a publication to a topic."""

    @dry_runs("dry_run_publish", PublishIn, NEWS)
    def post(self, request: Request, name: str) -> Response:
        """Say how many subscribers would get it, when, and why the others would not.

        Nothing is accepted, counted or sent. The numbers are of deliveries, one an address. Of a
        large audience as many are judged as five seconds allow, from all over it, and the numbers
        are estimated for all (`exact` is false).
        """
        return self.dry_run(request)


class GroupNotifyDryRun(DryRunView, GroupNotifyView):
    """Dry run of a notification to a group."""

    @dry_runs("dry_run_notify_group", PublishIn, NEWS)
    def post(self, request: Request, name: str) -> Response:
        """Say how many members would get it, when, and why the others would not.

        Nothing is accepted, counted or sent. Large groups are estimated as topics are.
        """
        return self.dry_run(request)


def _shown(one: ChannelForecast) -> dict[str, object]:
    return {
        "audience": one.audience,
        "judged": one.judged,
        "people": one.people,
        "now": one.now,
        "later": dict(one.later),
        "not_sent": dict(one.not_sent),
    }
