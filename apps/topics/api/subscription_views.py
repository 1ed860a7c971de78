"""Subscriptions of recipients and bare endpoints to a topic."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import read_query
from apps.api.problems import Problem
from apps.preferences.selectors import find_recipient
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope
from apps.topics import retry_policies, selectors
from apps.topics.api import bulk_subscribe, serializers
from apps.topics.api.shapes import PostedSubscriber
from apps.topics.models import SubscriptionState
from apps.topics.subscriptions import services
from apps.topics.subscriptions.services import Subscribed

TAG = "Subscriptions"


class SubscriptionList(ListEndpoint):
    """The subscriptions of a topic."""

    required_scopes = {"GET": Scope.SUBSCRIPTIONS_READ, "POST": Scope.SUBSCRIPTIONS_WRITE}
    max_body = 8 * 1024 * 1024

    @extend_schema(
        operation_id="list_subscriptions",
        tags=[TAG],
        parameters=[serializers.SubscriptionQuery],
        responses=serializers.SubscriptionOut(many=True),
    )
    def get(self, request: Request, name: str) -> Response:
        """List the subscriptions of a topic of yours, oldest first, addresses masked."""
        topic = selectors.owned_topic(name, publisher_of(request).id)
        query = read_query(request, serializers.SubscriptionQuery)
        wanted = {field: query[field] for field in ("state", "channel") if field in query}
        # Indexes serve a state, and for the active ones a state and a channel.
        indexed = wanted if wanted.get("state") == SubscriptionState.ACTIVE else {}
        indexed = indexed or {name: wanted[name] for name in wanted if name == "state"}
        found = selectors.subscriptions(topic.id).filter(**indexed)
        return self.paginate(
            request,
            found,
            serializers.SubscriptionOut,
            query=query,
            sought=Q(**{name: wanted[name] for name in wanted if name not in indexed}),
            context=retry_policies.context,
        )

    @extend_schema(
        operation_id="subscribe",
        tags=[TAG],
        request=PolymorphicProxySerializer(
            "SubscribeIn",
            [serializers.SubscriptionIn, serializers.SubscriptionsIn],
            resource_type_field_name=None,
        ),
        responses=PolymorphicProxySerializer(
            "SubscribeOut",
            [serializers.SubscribedOut, serializers.SubscriptionResultsOut],
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

        Subscribing again changes nothing; a subscription that had ended is active again. In
        `{"subscriptions": […]}` an invalid item does not affect the others: its result carries its
        problem.
        """
        topic = selectors.owned_topic(name, publisher_of(request).id)
        if "subscriptions" in request.data:
            items = self.body(request, serializers.SubscriptionsIn)["subscriptions"]
            with transaction.atomic():
                results = bulk_subscribe.subscribe(topic, items, "/subscriptions")
                _audit_subscribed(request, name, results)
            return Response({"results": [_result(*numbered) for numbered in enumerate(results)]})
        with transaction.atomic():
            (result,) = bulk_subscribe.subscribe(topic, [request.data], "")
            if isinstance(result, Problem):
                raise result
            posted = cast(Mapping[str, Any], request.data)  # anything else is a problem
            _audit_subscribed(request, name, [result], posted.get("user_id"))
        return Response({"subscriptions": [_subscription(one) for one in result]})


class SubscriptionDetail(Endpoint):
    """One subscription."""

    required_scopes = {"DELETE": Scope.SUBSCRIPTIONS_WRITE}

    @extend_schema(operation_id="delete_subscription", tags=[TAG], responses={204: None})
    def delete(self, request: Request, name: str, subscription_id: int) -> Response:
        """End a subscription; it stays in the list as unsubscribed."""
        topic = selectors.owned_topic(name, publisher_of(request).id)
        subscription = selectors.subscriptions(topic.id).filter(pk=subscription_id).first()
        if subscription is None:
            raise Problem("not-found", f"{name!r} has no subscription {subscription_id}.")
        with transaction.atomic():
            if services.unsubscribe(subscription):
                person = subscription.recipient
                before = {"id": subscription_id, "channel": subscription.channel}
                if person is not None:
                    before["user_id"] = person.user_id
                audit.record(request, "unsubscribe", "subscription", name, before=before)
        return Response(status=204)


class Unsubscribe(Endpoint):
    """Unsubscribing a recipient or an endpoint, without the id of a subscription."""

    required_scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @extend_schema(
        operation_id="unsubscribe",
        tags=[TAG],
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
        topic = selectors.owned_topic(name, publisher_of(request).id)
        who: PostedSubscriber = self.body(request, serializers.UnsubscribeIn)
        with transaction.atomic():
            if "address" in who:
                ended = services.unsubscribe_endpoint(topic.id, who["channel"], who["address"])
            else:
                recipient = find_recipient(who["user_id"])
                if recipient is None:
                    raise bulk_subscribe.unknown_recipient(who["user_id"])
                ended = services.unsubscribe_recipient(topic.id, recipient.pk, who["channels"])
            if ended:
                before: dict[str, object] = {"subscriptions": ended}
                if "user_id" in who:
                    before["user_id"] = who["user_id"]
                audit.record(request, "unsubscribe", "subscription", name, before=before)
        return Response({"unsubscribed": ended})


def _audit_subscribed(
    request: Request,
    topic: str,
    results: Sequence[list[Subscribed] | Problem],
    user_id: str | None = None,
) -> None:
    """Write one event for the call, however many it subscribed."""
    made = sum(len(result) for result in results if not isinstance(result, Problem))
    if made:
        named = {"user_id": user_id} if user_id else {}
        after = {**named, "subscriptions": made}
        audit.record(request, "subscribe", "subscription", topic, after=after)


def _subscription(subscribed: Subscribed) -> dict[str, object]:
    shown = subscribed._asdict()
    del shown["begun"]
    if not subscribed.secret:
        del shown["secret"]
    return shown


def _result(index: int, result: list[Subscribed] | Problem) -> dict[str, object]:
    if isinstance(result, Problem):
        return {"index": index, "status": "error", "problem": result.body()}
    subscriptions = [_subscription(one) for one in result]
    return {"index": index, "status": "subscribed", "subscriptions": subscriptions}
