"""Topics, grants and subscriptions."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework.request import Request
from rest_framework.response import Response

from apps.preferences.selectors import find_recipient
from apps.publishers import audit
from apps.publishers.endpoint import Endpoint
from apps.publishers.models import Publisher
from apps.publishers.openapi import ProblemDetails
from apps.publishers.pagination import CursorPage, PageQuery, read_query
from apps.publishers.problems import CONTENT_TYPE, Problem
from apps.publishers.scopes import Scope
from apps.topics import retry_policies, selectors, serializers, services, subscribing, wishes
from apps.topics.models import Subscription, SubscriptionState, Topic
from apps.topics.subscribing import Subscribed

TOPICS, SUBSCRIPTIONS = "Topics", "Subscriptions"

EXAMPLE = {
    "name": "order-updates",
    "display_name": "Your orders",
    "category": "orders",
    "default_priority": "normal",
    "retry_policy": {"schedule": [5, 60, 600]},
}
OUT = {
    **EXAMPLE,
    "retry_policy": {"schedule": [5, 60, 600], "attempts": 4, "after_last": "dead_letter"},
    "owner": "shop",
    "mandatory": False,
    "requires_confirmation": False,
    "delay": 0,
    "paused": False,
    "created_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z",
    "granted_to": [],
}


class TopicList(Endpoint):
    """Topics one owns or was granted."""

    required_scopes = {"GET": Scope.TOPICS_READ, "POST": Scope.TOPICS_WRITE}
    pagination_class = CursorPage

    @extend_schema(
        operation_id="list_topics",
        tags=[TOPICS],
        parameters=[PageQuery],
        responses=serializers.TopicOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the topics you own or were granted, oldest first."""
        page = CursorPage()
        rows = page.paginate_queryset(selectors.visible_topics(request.user.id), request)
        return page.get_paginated_response(
            serializers.TopicOut(rows, many=True, context=_context(rows)).data
        )

    @extend_schema(
        operation_id="create_topic",
        tags=[TOPICS],
        request=serializers.TopicIn,
        responses={
            201: serializers.TopicDetailOut,
            (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "the name is taken"),
        },
        examples=[
            OpenApiExample("a topic", EXAMPLE, request_only=True),
            OpenApiExample("the topic", OUT, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create a topic. Its name is unique among all publishers."""
        fields = self.body(request, serializers.TopicIn)
        try:
            with transaction.atomic():
                fields = _stored(request, fields)
                topic = services.create_topic(request.user.id, fields)
                audit.record(request, "create", "topic", topic.name, after=fields)
        except services.TopicExists:
            raise Problem(
                "topic-exists",
                f"There is a topic {fields['name']!r}. Choose another name, or PATCH it if it "
                "is yours.",
            ) from None
        return Response(_topic(topic, request.user.id), status=201)


class TopicDetail(Endpoint):
    """One topic."""

    required_scopes = {
        "GET": Scope.TOPICS_READ,
        "PATCH": Scope.TOPICS_WRITE,
        "DELETE": Scope.TOPICS_WRITE,
    }

    @extend_schema(operation_id="read_topic", tags=[TOPICS], responses=serializers.TopicDetailOut)
    def get(self, request: Request, name: str) -> Response:
        """Read a topic that you own or were granted."""
        topic = selectors.visible_topics(request.user.id).filter(name=name).first()
        if topic is None:
            raise selectors.no_topic(name)
        return Response(_topic(topic, request.user.id))

    @extend_schema(
        operation_id="change_topic",
        tags=[TOPICS],
        request=serializers.TopicChange,
        responses=serializers.TopicDetailOut,
        examples=[
            OpenApiExample(
                "one attempt only", {"retry_policy": {"schedule": []}}, request_only=True
            )
        ],
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change a topic of yours. What is left out stays as it is."""
        fields = self.body(request, serializers.TopicChange)
        with transaction.atomic():
            topic = _owned(request, name)
            before = {field: getattr(topic, field) for field in fields}
            fields = _stored(request, fields, topic)
            services.change_topic(topic, fields)
            audit.record(request, "update", "topic", name, before=before, after=fields)
        return Response(_topic(topic, request.user.id))

    @extend_schema(operation_id="delete_topic", tags=[TOPICS], responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Delete a topic of yours, and free its name.

        What was accepted before is still delivered.
        """
        with transaction.atomic():
            services.delete_topic(_owned(request, name))
            audit.record(request, "delete", "topic", name)
        return Response(status=204)


class TopicGrant(Endpoint):
    """Another publisher's right to read a topic and to publish to it."""

    required_scopes = {"PUT": Scope.TOPICS_WRITE, "DELETE": Scope.TOPICS_WRITE}

    @extend_schema(operation_id="grant_topic", tags=[TOPICS], request=None, responses={204: None})
    def put(self, request: Request, name: str, publisher: str) -> Response:
        """Let another publisher read a topic of yours and publish to it."""
        with transaction.atomic():
            services.grant(_owned(request, name), _publisher(publisher))
            audit.record(request, "grant", "topic", name, after={"publisher": publisher})
        return Response(status=204)

    @extend_schema(operation_id="withdraw_grant", tags=[TOPICS], responses={204: None})
    def delete(self, request: Request, name: str, publisher: str) -> Response:
        """Take a grant back, from the next request on."""
        with transaction.atomic():
            services.withdraw(_owned(request, name), _publisher(publisher))
            audit.record(request, "withdraw", "topic", name, before={"publisher": publisher})
        return Response(status=204)


class SubscriptionList(Endpoint):
    """Who is subscribed to a topic."""

    required_scopes = {"GET": Scope.SUBSCRIPTIONS_READ, "POST": Scope.SUBSCRIPTIONS_WRITE}
    pagination_class = CursorPage
    max_body = 8 * 1024 * 1024

    @extend_schema(
        operation_id="list_subscriptions",
        tags=[SUBSCRIPTIONS],
        parameters=[serializers.SubscriptionQuery],
        responses=serializers.SubscriptionRow(many=True),
    )
    def get(self, request: Request, name: str) -> Response:
        """List a topic's subscriptions, oldest first, addresses masked."""
        topic = selectors.visible_topic(name, request.user.id)
        query = read_query(request, serializers.SubscriptionQuery)
        wanted = {field: query[field] for field in ("state", "channel") if field in query}
        # Indexes lead to a state, and on a channel to who is active there.
        indexed = wanted if wanted.get("state") == SubscriptionState.ACTIVE else {}
        indexed = indexed or {name: wanted[name] for name in wanted if name == "state"}
        found = selectors.subscriptions(topic.id).filter(**indexed)
        page = CursorPage()
        sought = Q(**{name: wanted[name] for name in wanted if name not in indexed})
        rows = page.paginate_queryset(found, request, query=query, sought=sought)
        return page.get_paginated_response(
            serializers.SubscriptionRow(rows, many=True, context=_context(rows)).data
        )

    @extend_schema(
        operation_id="subscribe",
        tags=[SUBSCRIPTIONS],
        request=PolymorphicProxySerializer(
            "SubscribeIn",
            [serializers.SubscriptionIn, serializers.SubscriptionsIn],
            resource_type_field_name=None,
        ),
        responses=PolymorphicProxySerializer(
            "SubscribeOut",
            [serializers.SubscribedOut, serializers.SubscriptionResults],
            resource_type_field_name=None,
        ),
        examples=[
            OpenApiExample(
                "a recipient", {"user_id": "ada", "channels": ["push", "email"]}, request_only=True
            ),
            OpenApiExample(
                "many",
                {
                    "subscriptions": [
                        {"user_id": "ada", "channels": ["push"]},
                        {"channel": "email", "address": "news@example.com"},
                    ]
                },
                request_only=True,
            ),
            OpenApiExample(
                "a recipient subscribed",
                {"subscriptions": [{"id": 7, "channel": "push", "state": "active"}]},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, name: str) -> Response:
        """Subscribe a recipient or a bare endpoint, or up to 1,000 with a result each.

        Subscribing again changes nothing; who had unsubscribed is active again. In
        `{"subscriptions": […]}` an item that is not valid does not cost the others: its result
        carries its problem.
        """
        topic = selectors.owned_topic(name, request.user.id)
        if "subscriptions" in request.data:
            items = self.body(request, serializers.SubscriptionsIn)["subscriptions"]
            with transaction.atomic():
                results = wishes.fulfil(topic, items, "/subscriptions")
                _audit_subscribed(request, name, results)
            return Response({"results": [_result(*numbered) for numbered in enumerate(results)]})
        with transaction.atomic():
            (result,) = wishes.fulfil(topic, [request.data], "")
            if isinstance(result, Problem):
                raise result
            _audit_subscribed(request, name, [result], request.data.get("user_id"))
        return Response({"subscriptions": [_subscription(one) for one in result]})


class SubscriptionDetail(Endpoint):
    """One subscription."""

    required_scopes = {"DELETE": Scope.SUBSCRIPTIONS_WRITE}

    @extend_schema(operation_id="delete_subscription", tags=[SUBSCRIPTIONS], responses={204: None})
    def delete(self, request: Request, name: str, subscription_id: int) -> Response:
        """End a subscription; it stays in the list as unsubscribed."""
        topic = selectors.owned_topic(name, request.user.id)
        subscription = selectors.subscriptions(topic.id).filter(pk=subscription_id).first()
        if subscription is None:
            raise Problem("not-found", f"{name!r} has no subscription {subscription_id}.")
        with transaction.atomic():
            if subscribing.unsubscribe(subscription):
                person = subscription.recipient
                before = {"id": subscription_id, "channel": subscription.channel}
                if person is not None:
                    before["user_id"] = person.user_id
                audit.record(request, "unsubscribe", "subscription", name, before=before)
        return Response(status=204)


class Unsubscribe(Endpoint):
    """Leaving a topic by name and not by subscription."""

    required_scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @extend_schema(
        operation_id="unsubscribe",
        tags=[SUBSCRIPTIONS],
        request=serializers.UnsubscribeIn,
        responses=serializers.UnsubscribedOut,
        examples=[
            OpenApiExample(
                "from one channel", {"user_id": "ada", "channels": ["email"]}, request_only=True
            ),
            OpenApiExample("from all", {"user_id": "ada"}, request_only=True),
            OpenApiExample(
                "an endpoint",
                {"channel": "email", "address": "news@example.com"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request, name: str) -> Response:
        """End a recipient's subscriptions on some channels or all, or a bare endpoint's."""
        topic = selectors.owned_topic(name, request.user.id)
        who = self.body(request, serializers.UnsubscribeIn)
        with transaction.atomic():
            if "address" in who:
                ended = subscribing.unsubscribe_endpoint(topic.id, who["channel"], who["address"])
            else:
                recipient = find_recipient(who["user_id"])
                if recipient is None:
                    raise wishes.unknown_recipient(who["user_id"])
                ended = subscribing.unsubscribe_recipient(topic.id, recipient.pk, who["channels"])
            if ended:
                before = {"subscriptions": ended}
                if "user_id" in who:
                    before["user_id"] = who["user_id"]
                audit.record(request, "unsubscribe", "subscription", name, before=before)
        return Response({"unsubscribed": ended})


def _stored(request: Request, fields: dict[str, Any], topic: Topic | None = None) -> dict[str, Any]:
    """The fields as the row keeps them."""
    before = topic.retry_policy if topic else None
    was_required = topic.requires_confirmation if topic else False
    if fields.get("requires_confirmation", was_required):
        retry_policies.check_confirmed(fields.get("retry_policy", before))
    if "retry_policy" not in fields:
        return fields
    policy = retry_policies.stored(request.user.id, fields["retry_policy"], before)
    return {**fields, "retry_policy": policy}


def _context(rows: Sequence[Topic | Subscription]) -> dict[str, Any]:
    """What their retry policies are shown with."""
    return {"endpoints": retry_policies.endpoints(row.retry_policy for row in rows)}


def _owned(request: Request, name: str) -> Topic:
    """The topic's row, for its owner to write."""
    return Topic.objects.select_related("publisher").get(
        pk=selectors.owned_topic(name, request.user.id).id
    )


def _publisher(name: str) -> Publisher:
    publisher = Publisher.objects.filter(name=name).first()
    if publisher is None:
        raise Problem("not-found", f"There is no publisher {name!r}. Check the name.")
    return publisher


def _topic(topic: Topic, publisher_id: int) -> dict[str, Any]:
    granted = []
    if topic.publisher_id == publisher_id:
        granted = list(topic.granted_to.order_by("name").values_list("name", flat=True))
    return {**serializers.TopicOut(topic).data, "granted_to": granted}


def _audit_subscribed(
    request: Request,
    topic: str,
    results: Sequence[list[Subscribed] | Problem],
    user_id: str | None = None,
) -> None:
    """One event for the call, whomever it subscribed."""
    made = sum(len(result) for result in results if not isinstance(result, Problem))
    if made:
        named = {"user_id": user_id} if user_id else {}
        after = {**named, "subscriptions": made}
        audit.record(request, "subscribe", "subscription", topic, after=after)


def _subscription(subscribed: Subscribed) -> dict[str, Any]:
    shown = subscribed._asdict()
    if not subscribed.secret:
        del shown["secret"]
    return shown


def _result(index: int, result: list[Subscribed] | Problem) -> dict[str, Any]:
    if isinstance(result, Problem):
        return {"index": index, "status": "error", "problem": result.body()}
    subscriptions = [_subscription(one) for one in result]
    return {"index": index, "status": "subscribed", "subscriptions": subscriptions}
