"""The doors to publishing."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.request import Request
from rest_framework.response import Response

from apps.delivery import answers, idempotency, selectors
from apps.delivery.accept import Draft
from apps.delivery.batch import accept_batch
from apps.delivery.deduplication import accept_once
from apps.delivery.drafting import audience_draft, named_draft
from apps.delivery.idempotency import Answer
from apps.delivery.intake import load_shedding
from apps.delivery.intake.load_shedding import Asked
from apps.delivery.notification_views import NOTIFICATIONS
from apps.delivery.serializers import (
    BATCH_LIMIT,
    CONTENT_LIMIT,
    BatchIn,
    BatchOut,
    NotificationIn,
    NotificationOut,
    PublishIn,
    TakenOut,
)
from apps.preferences.selectors import get_group
from apps.publishers.endpoint import Endpoint
from apps.publishers.openapi import ProblemDetails
from apps.publishers.pagination import CursorPage, PageQuery
from apps.publishers.problems import CONTENT_TYPE, Problem
from apps.publishers.scopes import Scope
from apps.topics.selectors import get_topic, visible_topic
from notifier.priorities import Priority

#: A batch may carry as many contents as notifications.
BATCH_BODY = BATCH_LIMIT * (CONTENT_LIMIT + 1024)
#: What a request under an Idempotency-Key may be refused with.
REFUSALS = {
    (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "the key's first request is not done"),
    (422, CONTENT_TYPE): OpenApiResponse(
        ProblemDetails, "the key was used for another request, or a channel named has no provider"
    ),
    (503, CONTENT_TYPE): OpenApiResponse(
        ProblemDetails, "too much waits on these channels, or the database does not answer"
    ),
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Publish once under this key: the same request with it gets the first answer "
    f"again for {settings.IDEMPOTENCY_HOURS} hours. `X-Idempotency-Key` is read as well.",
)
_OTP = OpenApiExample(
    "One-time password",
    {
        "user_id": "ada",
        "priority": "high",
        "channels": ["sms"],
        "content": {"body": "Your code is 123 456."},
        "expires_at": "2030-01-01T00:05:00Z",
    },
    request_only=True,
)
_IN_ORDER = OpenApiExample(
    "In order, and once",
    {
        "user_id": "ada",
        "content": {"title": "Order 7", "body": "It is packed."},
        "ordering_key": "order-7",
        "deduplicate_seconds": 600,
    },
    request_only=True,
)
_BATCH = OpenApiExample(
    "Two notifications",
    {
        "notifications": [
            {"user_id": "ada", "content": {"title": "Order 7", "body": "It is on its way."}},
            {"user_id": "bob", "content": {"title": "Order 8", "body": "It is packed."}},
        ]
    },
    request_only=True,
)
_NEWS = OpenApiExample(
    "News", {"content": {"title": "Shipped", "body": "Order 7 is on its way."}}, request_only=True
)


class NotificationsView(Endpoint):
    """Notify named recipients; list what was posted."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE, "GET": Scope.NOTIFICATIONS_READ}
    pagination_class = CursorPage

    @extend_schema(
        operation_id="notify",
        request=NotificationIn,
        responses={202: TakenOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_OTP, _IN_ORDER],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request) -> Response:
        """Notify 1 to 1,000 recipients. 202: it is stored, and nothing will lose it."""

        def act() -> Answer:
            data = self.body(request, NotificationIn)
            return _accepted(request.user.id, named_draft(request.user.id, data))

        return _once(request, act, _asked([request.data]))

    @extend_schema(
        operation_id="list_notifications",
        parameters=[PageQuery],
        responses={200: NotificationOut(many=True)},
        tags=[NOTIFICATIONS],
    )
    def get(self, request: Request) -> Response:
        """Your notifications, newest first."""
        pages = CursorPage("-id")
        rows = pages.paginate_queryset(selectors.notifications(request.user.id), request)
        return pages.get_paginated_response([answers.notification(row) for row in rows])


class BatchView(Endpoint):
    """Many different notifications in one call."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}
    max_body = BATCH_BODY

    @extend_schema(
        operation_id="notify_batch",
        request=BatchIn,
        responses={202: BatchOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_BATCH],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request) -> Response:
        """Notify with up to 1,000 different notifications; each has a result of its own.

        Those with errors are left out, the others are accepted together.
        """

        def act() -> Answer:
            posted = self.body(request, BatchIn)["notifications"]
            return Answer(202, {"results": accept_batch(request.user.id, posted)})

        data = request.data
        posted = data.get("notifications") if isinstance(data, dict) else None
        return _once(request, act, _asked(posted if isinstance(posted, list) else []))


class PublishView(Endpoint):
    """Publish to a topic."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="publish",
        request=PublishIn,
        responses={202: TakenOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_NEWS],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, name: str) -> Response:
        """Notify everybody subscribed to the topic. 202: stored, and nothing will lose it."""

        def act() -> Answer:
            topic = visible_topic(name, request.user.id)
            data = self.body(request, PublishIn)
            usual = topic.default_priority
            return _accepted(
                request.user.id, audience_draft(request.user.id, data, usual, topic=topic)
            )

        known = get_topic(name)
        usual = known.default_priority if known else Priority.NORMAL
        return _once(request, act, _asked([request.data], usual))


class GroupNotifyView(Endpoint):
    """Notify a group."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="notify_group",
        request=PublishIn,
        responses={202: TakenOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_NEWS],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, name: str) -> Response:
        """Notify everybody in a group of yours. 202: stored, and nothing will lose it.

        Without `channels`, each member is notified on every channel they can be reached on that has
        a provider.
        """

        def act() -> Answer:
            group = get_group(name, request.user.id)
            data = self.body(request, PublishIn)
            usual = Priority.NORMAL
            return _accepted(
                request.user.id, audience_draft(request.user.id, data, usual, group=group)
            )

        return _once(request, act, _asked([request.data]))


def _accepted(publisher_id: int, drafted: Draft) -> Answer:
    [taken] = accept_once(publisher_id, [drafted])
    return Answer(202, answers.accepted(*taken, drafted.warnings))


def _asked(posted: Iterable[Any], usual: str = Priority.NORMAL) -> set[Asked]:
    """Of what was posted and has not been checked yet; the ``usual`` priority where none is
    named."""
    return {
        Asked(_priority(item.get("priority"), usual), _channels(item.get("channels")))
        for item in posted
        if isinstance(item, dict)
    }


def _priority(named: Any, usual: str) -> str:
    return named if isinstance(named, str) else usual


def _channels(named: Any) -> tuple[str, ...]:
    if not isinstance(named, list):
        return tuple(settings.CHANNELS)
    known = tuple(channel for channel in settings.CHANNELS if channel in named)
    return known or tuple(settings.CHANNELS)


def _once(request: Request, act: Callable[[], Answer], asked: Collection[Asked]) -> Response:
    """Answer with what ``act`` does, or with what it did for the first request with this key.

    What would only be refused, by what was ``asked``, is turned away before it costs anything.

    Checking the request belongs to ``act``: a replay is answered as the first one was, though its
    topic may be gone and its time be over.
    """
    key = _idempotency_key(request)
    load_shedding.turn_away(asked)
    try:
        answer = idempotency.once(
            request.user.id, key, idempotency.fingerprint(request.path, request.data), act
        )
    except idempotency.KeyReused:
        raise Problem(
            "idempotency-mismatch",
            "This Idempotency-Key was used for a different request. Use a new key.",
        ) from None
    except idempotency.StillInFlight:
        raise Problem(
            "idempotency-in-flight",
            "The first request with this Idempotency-Key has not ended. Ask again in a moment.",
            headers={"Retry-After": "1"},
        ) from None
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return Response(answer.body, status=answer.status, headers=headers)


def _idempotency_key(request: Request) -> str | None:
    """The request's key, ``None`` without one. Raises a ``Problem`` where it is not usable."""
    named = {
        request.META[name]
        for name in ("HTTP_IDEMPOTENCY_KEY", "HTTP_X_IDEMPOTENCY_KEY")
        if name in request.META
    }
    if not named:
        return None
    if len(named) > 1:
        raise Problem(
            "invalid-idempotency-key",
            "Idempotency-Key and X-Idempotency-Key name two keys. Send one of the headers.",
        )
    [key] = named
    if not idempotency.KEY.fullmatch(key):
        raise Problem(
            "invalid-idempotency-key",
            f"An Idempotency-Key has 1 to {idempotency.LONGEST_KEY} printable ASCII characters; "
            "a random UUID will do.",
        )
    return key
