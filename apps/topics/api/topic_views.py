"""Topics, and grants on them to other publishers."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.pagination import PageQuery
from apps.api.problems import CONTENT_TYPE, Problem
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.models import Publisher
from apps.publishers.scopes import Scope
from apps.topics import retry_policies, selectors, services
from apps.topics.api import serializers
from apps.topics.models import Topic

TAG = "Topics"

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


class TopicList(ListEndpoint):
    """The topics that a publisher owns or was granted."""

    required_scopes = {"GET": Scope.TOPICS_READ, "POST": Scope.TOPICS_WRITE}

    @extend_schema(
        operation_id="list_topics",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.TopicOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the topics you own or were granted, oldest first."""
        rows = selectors.visible_topics(publisher_of(request).id)
        return self.paginate(request, rows, serializers.TopicOut, context=retry_policies.context)

    @extend_schema(
        operation_id="create_topic",
        tags=[TAG],
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
                topic = services.create_topic(publisher_of(request).id, fields)
                audit.record(request, "create", "topic", topic.name, after=fields)
        except services.TopicExists:
            raise Problem(
                "topic-exists",
                f"There is a topic {fields['name']!r}. Choose another name, or PATCH it if it "
                "is yours.",
            ) from None
        return Response(_topic(topic, publisher_of(request).id), status=201)


class TopicDetail(Endpoint):
    """One topic."""

    required_scopes = {
        "GET": Scope.TOPICS_READ,
        "PATCH": Scope.TOPICS_WRITE,
        "DELETE": Scope.TOPICS_WRITE,
    }

    @extend_schema(operation_id="read_topic", tags=[TAG], responses=serializers.TopicDetailOut)
    def get(self, request: Request, name: str) -> Response:
        """Read a topic that you own or were granted."""
        topic = selectors.visible_topics(publisher_of(request).id).filter(name=name).first()
        if topic is None:
            raise selectors.no_topic(name)
        return Response(_topic(topic, publisher_of(request).id))

    @extend_schema(
        operation_id="change_topic",
        tags=[TAG],
        request=serializers.TopicChangeIn,
        responses=serializers.TopicDetailOut,
        examples=[
            OpenApiExample(
                "one attempt only", {"retry_policy": {"schedule": []}}, request_only=True
            )
        ],
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change a topic of yours. What is left out stays as it is."""
        fields = self.body(request, serializers.TopicChangeIn)
        with transaction.atomic():
            topic = _owned(request, name)
            before = {field: getattr(topic, field) for field in fields}
            fields = _stored(request, fields, topic)
            services.change_topic(topic, fields)
            audit.record(request, "update", "topic", name, before=before, after=fields)
        return Response(_topic(topic, publisher_of(request).id))

    @extend_schema(operation_id="delete_topic", tags=[TAG], responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Delete a topic of yours, and free its name.

        Notifications accepted before are still delivered.
        """
        with transaction.atomic():
            services.delete_topic(_owned(request, name))
            audit.record(request, "delete", "topic", name)
        return Response(status=204)


class TopicGrant(Endpoint):
    """Another publisher's right to read a topic and to publish to it."""

    required_scopes = {"PUT": Scope.TOPICS_WRITE, "DELETE": Scope.TOPICS_WRITE}

    @extend_schema(operation_id="grant_topic", tags=[TAG], request=None, responses={204: None})
    def put(self, request: Request, name: str, publisher: str) -> Response:
        """Let another publisher read a topic of yours and publish to it."""
        with transaction.atomic():
            services.grant(_owned(request, name), _publisher(publisher))
            audit.record(request, "grant", "topic", name, after={"publisher": publisher})
        return Response(status=204)

    @extend_schema(operation_id="withdraw_grant", tags=[TAG], responses={204: None})
    def delete(self, request: Request, name: str, publisher: str) -> Response:
        """Withdraw a grant, from the next request on."""
        with transaction.atomic():
            services.withdraw(_owned(request, name), _publisher(publisher))
            audit.record(request, "withdraw", "topic", name, before={"publisher": publisher})
        return Response(status=204)


def _stored(request: Request, fields: dict[str, Any], topic: Topic | None = None) -> dict[str, Any]:
    """Return the fields in the form that the row stores."""
    before = topic.retry_policy if topic else None
    was_required = topic.requires_confirmation if topic else False
    if fields.get("requires_confirmation", was_required):
        retry_policies.check_confirmed(fields.get("retry_policy", before))
    if "retry_policy" not in fields:
        return fields
    policy = retry_policies.stored(publisher_of(request).id, fields["retry_policy"], before)
    return {**fields, "retry_policy": policy}


def _owned(request: Request, name: str) -> Topic:
    """Return the row of a topic that the publisher owns."""
    return Topic.objects.select_related("publisher").get(
        pk=selectors.owned_topic(name, publisher_of(request).id).id
    )


def _publisher(name: str) -> Publisher:
    publisher = Publisher.objects.filter(name=name).first()
    if publisher is None:
        raise Problem("not-found", f"There is no publisher {name!r}. Check the name.")
    return publisher


def _topic(topic: Topic, publisher_id: int) -> dict[str, object]:
    granted = []
    if topic.publisher_id == publisher_id:
        granted = list(topic.granted_to.order_by("name").values_list("name", flat=True))
    return {**serializers.TopicOut(topic).data, "granted_to": granted}
