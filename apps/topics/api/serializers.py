"""Request and response bodies of the endpoints for topics and subscriptions."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.openapi import ProblemDetails
from apps.api.pagination import PageQuery
from apps.api.serializers import Choice, Items, PathNameField, StrictSerializer
from apps.preferences.api.fields import (
    MAX_BULK,
    PLATFORMS,
    AppField,
    CategoryField,
    ChannelField,
    UserIdField,
    check_secret,
    parse_address,
    parse_destination,
)
from apps.preferences.channels import INBOX, PUSH, WEBHOOK, all_channels
from apps.topics.api.shapes import PostedSubscriber, PostedSubscription
from apps.topics.models import Subscription, SubscriptionState, Topic
from apps.topics.retry_policies import RetryPolicyField
from notifier.domain.priorities import Priority

MAX_DELAY = 30 * 86400


@extend_schema_serializer(component_name="TopicChange")
class TopicChangeIn(StrictSerializer):
    """The changeable fields of a topic."""

    display_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    category = CategoryField(
        required=False,
        allow_blank=True,
        help_text="preferences can refuse a whole category; stored in lower case",
    )
    default_priority = Choice([p.value for p in Priority], required=False)
    mandatory = serializers.BooleanField(
        required=False, help_text="cannot be refused; for security notices"
    )
    requires_confirmation = serializers.BooleanField(
        required=False, help_text="new subscribers have to confirm"
    )
    retry_policy = RetryPolicyField(
        required=False, allow_null=True, help_text="null: the channel's default"
    )
    delay = serializers.IntegerField(
        min_value=0, max_value=MAX_DELAY, required=False, help_text="seconds"
    )
    paused = serializers.BooleanField(
        required=False, help_text="notifications are accepted, and sent once this is false"
    )


@extend_schema_serializer(component_name="TopicIn")
class TopicIn(TopicChangeIn):
    """A topic to create."""

    paused = cast(Any, None)  # takes the inherited field away
    name = PathNameField()


class TopicOut(serializers.Serializer[Topic]):
    """A topic."""

    name = serializers.CharField()
    owner = serializers.CharField(source="publisher.name", help_text="the publisher's name")
    display_name = serializers.CharField()
    category = serializers.CharField()
    default_priority = serializers.CharField()
    mandatory = serializers.BooleanField()
    requires_confirmation = serializers.BooleanField()
    retry_policy = RetryPolicyField(allow_null=True)
    delay = serializers.IntegerField(help_text="seconds")
    paused = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TopicDetailOut(TopicOut):
    """A topic and the publishers that were granted it."""

    granted_to = serializers.ListField(
        child=serializers.CharField(), help_text="names of publishers; only the owner sees them"
    )


class SubscriptionIn(StrictSerializer):
    """A recipient on chosen channels, or a bare endpoint: give `user_id` or `address`."""

    user_id = UserIdField(required=False)
    channels = serializers.ListField(
        child=ChannelField(), required=False, allow_empty=False, max_length=20
    )
    channel = ChannelField(required=False)
    address = serializers.CharField(
        max_length=4096, required=False, help_text="an email, phone number, device token or URL"
    )
    platform = Choice(PLATFORMS, required=False, help_text="with a device token")
    app = AppField(required=False, help_text="with a device token")
    secret = serializers.CharField(
        required=False, validators=[check_secret], help_text="with a webhook's URL"
    )
    retry_policy = RetryPolicyField(
        required=False,
        allow_null=True,
        help_text="null: the topic's; left out: unchanged",
    )

    def validate(self, asked: PostedSubscription) -> PostedSubscription:
        if ("user_id" in asked) == ("address" in asked):
            raise serializers.ValidationError(
                "Give user_id and channels, or address and channel: one of the two."
            )
        if "user_id" in asked:
            _refuse(asked, ("channel", "platform", "app", "secret"), "with an address")
            if "channels" not in asked:
                raise serializers.ValidationError(
                    {"channels": [f"Choose from {', '.join(all_channels())}."]}
                )
            asked["channels"] = list(dict.fromkeys(asked["channels"]))
        else:
            _check_endpoint(asked, parse_destination)
            _refuse(asked, ("channels",), "with a user_id")
        return asked


class UnsubscribeIn(StrictSerializer):
    """Subscriptions to end: a recipient's, on some channels or all, or a bare endpoint's."""

    user_id = UserIdField(required=False)
    channels = serializers.ListField(
        child=ChannelField(),
        required=False,
        default=list,
        max_length=20,
        help_text="empty: all channels",
    )
    channel = ChannelField(required=False)
    address = serializers.CharField(max_length=4096, required=False)
    platform = Choice(PLATFORMS, required=False)

    def validate(self, who: PostedSubscriber) -> PostedSubscriber:
        if ("user_id" in who) == ("address" in who):
            raise serializers.ValidationError("Give user_id, or address and channel.")
        if "user_id" in who:
            _refuse(who, ("channel", "platform"), "with an address")
        else:
            _check_endpoint(who, parse_address)
            if who["channels"]:
                _refuse(who, ("channels",), "with a user_id")
        return who


class SubscriptionsIn(StrictSerializer):
    """Many subscriptions, each validated on its own."""

    subscriptions = Items(SubscriptionIn, max_length=MAX_BULK)


@extend_schema_serializer(component_name="SubscriptionRef")
class SubscriptionRefOut(serializers.Serializer[Mapping[str, object]]):
    """A subscription on one channel."""

    id = serializers.IntegerField()
    channel = serializers.CharField()
    state = serializers.CharField()
    secret = serializers.CharField(
        required=False, help_text="a webhook's signing secret, shown when given or generated"
    )


class SubscribedOut(serializers.Serializer[Mapping[str, object]]):
    """The subscriptions of one request, one for each channel."""

    subscriptions = SubscriptionRefOut(many=True)


@extend_schema_serializer(component_name="SubscriptionResult")
class SubscriptionResultOut(serializers.Serializer[Mapping[str, object]]):
    """The result for one item of a bulk call."""

    index = serializers.IntegerField(help_text="position in the request, from 0")
    status = serializers.ChoiceField(["subscribed", "error"])
    subscriptions = SubscriptionRefOut(many=True, required=False)
    problem = ProblemDetails(required=False)


@extend_schema_serializer(component_name="SubscriptionResults")
class SubscriptionResultsOut(serializers.Serializer[Mapping[str, object]]):
    """One result for each item, in the order of the request."""

    results = SubscriptionResultOut(many=True)


class UnsubscribedOut(serializers.Serializer[Mapping[str, object]]):
    """Number of subscriptions ended; 0 if they had ended before."""

    unsubscribed = serializers.IntegerField()


class SubscriptionQuery(PageQuery):
    """Filters of the list of subscriptions."""

    state = Choice(SubscriptionState.values, required=False)
    channel = ChannelField(required=False)


@extend_schema_serializer(component_name="SubscriptionRow")
class SubscriptionOut(serializers.Serializer[Subscription]):
    """A subscription in a list: a recipient's, or a bare endpoint's."""

    id = serializers.IntegerField()
    channel = serializers.CharField()
    state = serializers.CharField()
    user_id = serializers.CharField(source="recipient.user_id", default=None, allow_null=True)
    address = serializers.CharField(
        source="contact.masked", default=None, allow_null=True, help_text="masked"
    )
    platform = serializers.CharField(source="contact.platform", default=None, allow_null=True)
    retry_policy = RetryPolicyField(allow_null=True, help_text="null: the topic's")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def _check_endpoint(asked: PostedSubscriber, parse: Callable[[str, str, str], str]) -> None:
    """Check a bare endpoint, and put its address into its normal form by ``parse``."""
    channel = asked.get("channel")
    if channel is None:
        raise serializers.ValidationError({"channel": ["Say on which channel the address is."]})
    if channel == INBOX:
        raise serializers.ValidationError(
            {"channel": ["An inbox belongs to a recipient: give user_id and channels."]}
        )
    if channel != PUSH:
        _refuse(asked, ("platform", "app"), "with a device token on push")
    if channel != WEBHOOK:
        _refuse(asked, ("secret",), "with a webhook")
    asked["address"] = parse(channel, asked["address"], asked.get("platform", ""))


def _refuse(asked: Mapping[str, object], fields: tuple[str, ...], where: str) -> None:
    errors = {field: [f"This goes {where}."] for field in fields if field in asked}
    if errors:
        raise serializers.ValidationError(errors)
