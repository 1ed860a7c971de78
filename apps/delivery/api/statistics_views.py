"""Endpoints of a topic's statistics and of a publisher's usage."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import read_query
from apps.api.serializers import QueryParameters
from apps.core import clock
from apps.delivery.monitoring import statistics
from apps.delivery.operations import retention_periods
from apps.publishers import daily_quota, limits
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint
from apps.publishers.daily_quota import Account
from apps.publishers.scopes import Scope
from apps.topics.selectors import owned_topic

TAG = "Statistics"
DEFAULT_SPAN = timedelta(hours=24)
LONGEST_SPAN = timedelta(days=31)
USAGE_DAYS = 31


class StatisticsQuery(QueryParameters):
    """The hours to show: the last 24, or from ``from`` to before ``to``."""

    to = serializers.DateTimeField(required=False, help_text="before this time; now if left out")

    def get_fields(self) -> dict[str, Any]:
        # ``from`` is a keyword of Python and so cannot be a class attribute.
        start = serializers.DateTimeField(
            required=False, help_text="from this hour; 24 hours before `to` if left out"
        )
        return {"from": start, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        until = attrs.get("to") or clock.moment()
        try:
            since = attrs.get("from") or until - DEFAULT_SPAN
        except OverflowError:
            raise serializers.ValidationError({"to": "Give a time in this century."}) from None
        if until <= since:
            raise serializers.ValidationError({"from": "It must be before `to`."})
        if until - since > LONGEST_SPAN:
            raise serializers.ValidationError(
                {"from": f"Ask for at most {LONGEST_SPAN.days} days at once."}
            )
        return {"from": since, "to": until}


class NowOut(serializers.Serializer[Mapping[str, int]]):
    """Numbers of deliveries that are waiting and that have ended."""

    waiting = serializers.IntegerField(help_text="being sent, or waiting for another attempt")
    sent = serializers.IntegerField(help_text="accepted by a provider, or delivered")
    failed = serializers.IntegerField(help_text="bounced, failed, dead, unknown or expired")
    suppressed = serializers.IntegerField(help_text="suppressed or cancelled")


class HourOut(serializers.Serializer[Mapping[str, object]]):
    """Deliveries that ended in one hour. Negative where more of them were redriven."""

    hour = serializers.DateTimeField()
    sent = serializers.IntegerField()
    failed = serializers.IntegerField()
    suppressed = serializers.IntegerField()


class TopicStatisticsOut(serializers.Serializer[Mapping[str, object]]):
    """A topic's deliveries, now and over time."""

    topic = serializers.CharField()
    now = NowOut()
    hours = HourOut(many=True, help_text="oldest first, without hours in which nothing ended")


class TopicStatistics(Endpoint):
    """Statistics of one topic's deliveries."""

    required_scopes = {"GET": Scope.TOPICS_READ}

    @extend_schema(
        operation_id="topic_statistics",
        tags=[TAG],
        parameters=[StatisticsQuery],
        responses=TopicStatisticsOut,
        examples=[
            OpenApiExample(
                "one busy hour",
                {
                    "topic": "order-updates",
                    "now": {"waiting": 2, "sent": 1204, "failed": 3, "suppressed": 6},
                    "hours": [
                        {
                            "hour": "2026-11-22T10:00:00Z",
                            "sent": 1200,
                            "failed": 3,
                            "suppressed": 61,
                        }
                    ],
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, name: str) -> Response:
        """Count the deliveries of a topic of yours that wait now, and that ended in each hour.

        Includes what publishers with a grant on the topic posted. Hours longer than 31 days ago are
        added up by day.
        """
        topic = owned_topic(name, publisher_of(request).id)
        query = read_query(request, StatisticsQuery)
        by_hour = statistics.hours_of_topic(topic.id, query["from"], query["to"])
        hours = [
            {"hour": hour, **ended}
            for hour, ended in by_hour.items()
            if any(ended[name] for name in ("sent", "failed", "suppressed"))
        ]
        now = statistics.now_of_topic(topic.id)
        found = {"topic": topic.name, "now": now, "hours": hours}
        return Response(TopicStatisticsOut(found).data)


class RequestsOut(serializers.Serializer[Mapping[str, int]]):
    """The rate limit of requests."""

    per_second = serializers.IntegerField()
    burst = serializers.IntegerField(help_text="requests at once after a pause")


class HighQuotaOut(serializers.Serializer[Mapping[str, int]]):
    """The quota and rate limit of notifications of high priority."""

    per_day = serializers.IntegerField()
    used = serializers.IntegerField()
    per_second = serializers.IntegerField()
    burst = serializers.IntegerField(help_text="notifications at once after a pause")


class QuotaOut(serializers.Serializer[Mapping[str, object]]):
    """The quota of normal and low priority, counted from midnight to midnight UTC."""

    per_day = serializers.IntegerField()
    used = serializers.IntegerField()
    resets_at = serializers.DateTimeField()
    high = HighQuotaOut()


@extend_schema_serializer(component_name="NotificationsOfDay")
class NotificationsOfDayOut(serializers.Serializer[Mapping[str, object]]):
    """Notifications accepted on a day."""

    day = serializers.DateField()
    accepted = serializers.IntegerField()


@extend_schema_serializer(component_name="DeliveriesOfDay")
class DeliveriesOfDayOut(serializers.Serializer[Mapping[str, object]]):
    """Deliveries that reached each state on a day."""

    day = serializers.DateField()
    states = serializers.DictField(child=serializers.IntegerField())


class DaysKeptOut(serializers.Serializer[Mapping[str, object]]):
    """Days for which contents and records are kept, from when a notification was due."""

    content_days = serializers.IntegerField(
        help_text="of title, body, data and variables; of a critical notification that expires an "
        "hour after its expiry, if that is earlier"
    )
    record_days = serializers.IntegerField(help_text="of notifications, deliveries and attempts")


@extend_schema_serializer(component_name="DaysKeptOfCategory")
class DaysKeptOfCategoryOut(DaysKeptOut):
    """Days for which what is in a category is kept."""

    category = serializers.CharField()


class RetentionOut(DaysKeptOut):
    """Days for which what a publisher sends is kept; ``categories``: with days of their own."""

    categories = DaysKeptOfCategoryOut(many=True)


class UsageOut(serializers.Serializer[Mapping[str, object]]):
    """A publisher's limits, and what it used of them. Days are in UTC."""

    requests = RequestsOut()
    quota = QuotaOut()
    notifications = NotificationsOfDayOut(many=True)
    deliveries = DeliveriesOfDayOut(many=True)
    retention = RetentionOut()


class Usage(Endpoint):
    """Limits and usage of the publisher."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}

    @extend_schema(
        operation_id="usage",
        tags=[TAG],
        responses=UsageOut,
        examples=[
            OpenApiExample(
                "a day's work",
                {
                    "requests": {"per_second": 500, "burst": 1000},
                    "quota": {
                        "per_day": 10000000,
                        "used": 1250,
                        "resets_at": "2026-11-23T00:00:00Z",
                        "high": {
                            "per_day": 10000000,
                            "used": 310,
                            "per_second": 1000,
                            "burst": 2000,
                        },
                    },
                    "notifications": [{"day": "2026-11-22", "accepted": 1250}],
                    "deliveries": [
                        {"day": "2026-11-22", "states": {"accepted": 2400, "suppressed": 31}}
                    ],
                    "retention": {
                        "content_days": 7,
                        "record_days": 30,
                        "categories": [
                            {"category": "orders", "content_days": 14, "record_days": 90}
                        ],
                    },
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Read your limits, what you posted by day (UTC), for 31 days, and how long it is kept."""
        publisher = publisher_of(request)
        publisher_id = publisher.id
        first = clock.moment().astimezone(UTC).date() - timedelta(days=USAGE_DAYS - 1)
        rate, high = limits.publisher_rate(publisher), limits.high_rate(publisher)
        states = statistics.states_by_day(publisher_id, datetime.combine(first, time(), UTC))
        found = {
            "requests": {"per_second": rate.per_second, "burst": rate.burst},
            "quota": {
                **_quota(Account(publisher_id, high=False)),
                "resets_at": daily_quota.resets_at(),
                "high": {
                    **_quota(Account(publisher_id, high=True)),
                    "per_second": high.per_second,
                    "burst": high.burst,
                },
            },
            "notifications": [
                {"day": day, "accepted": number}
                for day, number in daily_quota.used_by_day(publisher_id, first).items()
            ],
            "deliveries": [{"day": day, "states": of_day} for day, of_day in states.items()],
            "retention": _retention(publisher_id),
        }
        return Response(UsageOut(found).data)


def _quota(account: Account) -> dict[str, int]:
    return {"per_day": daily_quota.per_day(account), "used": daily_quota.used(account)}


def _retention(publisher_id: int) -> dict[str, Any]:
    others, *categories = retention_periods.kept_of(publisher_id).items()
    return {
        **others[1]._asdict(),
        "categories": [{"category": name, **days._asdict()} for name, days in categories],
    }
