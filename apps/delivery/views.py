"""The doors to publishing and to what became of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from apps.delivery import audience, idempotency, selectors, transitions
from apps.delivery.accept import Draft, accept
from apps.delivery.content import Filled
from apps.delivery.filling import Trials
from apps.delivery.idempotency import Answer
from apps.delivery.models import Delivery, Notification
from apps.delivery.serializers import (
    BATCH_LIMIT,
    CONTENT_LIMIT,
    AcceptedOut,
    BatchIn,
    BatchOut,
    DeliveriesQuery,
    DeliveryOut,
    NotificationIn,
    NotificationOut,
    PublishIn,
)
from apps.preferences.channels import get_channel
from apps.preferences.models import Contact, Group, Recipient
from apps.preferences.selectors import get_group
from apps.publishers import audit, quota
from apps.publishers.endpoint import Endpoint
from apps.publishers.openapi import ProblemDetails
from apps.publishers.pagination import CursorPage, PageQuery, read_query
from apps.publishers.problems import CONTENT_TYPE, Problem, invalid
from apps.publishers.scopes import Scope
from apps.topics.selectors import TopicSnapshot, visible_topic
from notifier.messages import Content
from notifier.priorities import Priority

NOTIFICATIONS = "Notifications"
#: A batch may carry as many contents as notifications.
BATCH_BODY = BATCH_LIMIT * (CONTENT_LIMIT + 1024)
#: What a request under an Idempotency-Key may be refused with.
REFUSALS = {
    (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "the key's first request is not done"),
    (422, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "the key was used for another request"),
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Publish once under this key: the same request with it gets the first answer "
    "again for 24 hours. `X-Idempotency-Key` is read as well.",
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
        responses={202: AcceptedOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_OTP],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request) -> Response:
        """Notify 1 to 1,000 recipients. 202: it is stored, and nothing will lose it."""

        def act() -> Answer:
            draft = _named_draft(request.user.id, self.body(request, NotificationIn))
            [row] = accept(request.user.id, [draft])
            return Answer(202, _accepted(row))

        return _once(request, act)

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
        return pages.get_paginated_response([_notification(row) for row in rows])


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
            return Answer(202, {"results": _accept_batch(request.user.id, posted)})

        return _once(request, act)


class PublishView(Endpoint):
    """Publish to a topic."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="publish",
        request=PublishIn,
        responses={202: AcceptedOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_NEWS],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, name: str) -> Response:
        """Notify everybody subscribed to the topic. 202: stored, and nothing will lose it."""

        def act() -> Answer:
            topic = visible_topic(name, request.user.id)
            data = self.body(request, PublishIn)
            chosen = data.get("channels") or list(settings.CHANNELS)
            priority = data.get("priority") or topic.default_priority
            draft = _draft(request.user.id, data, chosen, priority, topic=topic)
            [row] = accept(request.user.id, [draft])
            return Answer(202, _accepted(row))

        return _once(request, act)


class GroupNotifyView(Endpoint):
    """Notify a group."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="notify_group",
        request=PublishIn,
        responses={202: AcceptedOut, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_NEWS],
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, name: str) -> Response:
        """Notify everybody in a group of yours. 202: stored, and nothing will lose it.

        Without `channels`, each member is notified on every channel they can be reached on.
        """

        def act() -> Answer:
            group = get_group(name, request.user.id)
            data = self.body(request, PublishIn)
            chosen = data.get("channels") or list(settings.CHANNELS)
            priority = data.get("priority") or Priority.NORMAL
            draft = _draft(request.user.id, data, chosen, priority, group=group)
            [row] = accept(request.user.id, [draft])
            return Answer(202, _accepted(row))

        return _once(request, act)


class NotificationView(Endpoint):
    """One notification."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}

    @extend_schema(
        operation_id="get_notification", responses={200: NotificationOut}, tags=[NOTIFICATIONS]
    )
    def get(self, request: Request, notification_id: UUID) -> Response:
        """Its state, and its deliveries counted by channel and state."""
        return Response(_notification(_mine(request, notification_id)))


class CancelView(Endpoint):
    """Take a notification back."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="cancel_notification",
        request=None,
        responses={200: NotificationOut},
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, notification_id: UUID) -> Response:
        """Cancel what has not been sent. What is being sent right now cannot be called back.

        Cancelling twice changes nothing more. The answer is the notification with its counts.
        """
        row = _mine(request, notification_id)
        with transaction.atomic():
            if transitions.cancel(row.pk):
                audit.record(request, "cancel", "notification", str(row.pk))
        return Response(_notification(_mine(request, notification_id)))


class DeliveriesView(Endpoint):
    """What became of each delivery."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}
    pagination_class = CursorPage

    @extend_schema(
        operation_id="list_deliveries",
        parameters=[DeliveriesQuery],
        responses={200: DeliveryOut(many=True)},
        tags=[NOTIFICATIONS],
    )
    def get(self, request: Request, notification_id: UUID) -> Response:
        """The notification's deliveries with every attempt, in the order they were made."""
        row = _mine(request, notification_id)
        query = read_query(request, DeliveriesQuery)
        filters = {name: query[name] for name in ("state", "channel") if name in query}
        pages = CursorPage("id")
        rows = pages.paginate_queryset(
            selectors.deliveries(row.pk).filter(**filters), request, query=query
        )
        return pages.get_paginated_response(DeliveryOut(rows, many=True, context=shown(rows)).data)


# -- From what was posted to drafts -----------------------------------------------------------


def _named_draft(publisher_id: int, data: dict[str, Any], trials: Trials | None = None) -> Draft:
    """A draft for named recipients. Raises ``Problem`` naming the recipients nobody knows."""
    try:
        ids = audience.recipient_ids(data["user_ids"])
    except audience.UnknownRecipients as unknown:
        raise _unknown_recipients(unknown.args[0]) from None
    recipient_ids = list(ids.values())
    chosen = data.get("channels") or audience.reachable_channels(recipient_ids)
    priority = data.get("priority") or Priority.NORMAL
    return _draft(publisher_id, data, chosen, priority, recipient_ids=recipient_ids, trials=trials)


def _draft(
    publisher_id: int,
    data: dict[str, Any],
    chosen: Sequence[str],
    priority: str,
    *,
    topic: TopicSnapshot | None = None,
    group: Group | None = None,
    recipient_ids: Sequence[int] = (),
    trials: Trials | None = None,
) -> Draft:
    content: Content | Filled
    if "template" in data:
        content, chosen = (trials or Trials()).fill(
            publisher_id, data["template"], chosen, named="channels" in data
        )
    else:
        content = Content(**data["content"])
        _check(content, chosen)
    return Draft(
        content=content,
        priority=priority,
        channels=chosen,
        topic=topic,
        group_id=group.pk if group else None,
        reachable_only=group is not None and "channels" not in data,
        recipient_ids=recipient_ids,
        collapse_key=data["collapse_key"],
        send_at=data.get("send_at"),
        expires_at=data.get("expires_at"),
    )


def _check(content: Content, chosen: Sequence[str]) -> None:
    """Each channel's limits. Raises ``ValidationError`` naming the channel and the field."""
    for name in chosen:
        try:
            get_channel(name).check(content)
        except ValueError as error:
            raise ValidationError(
                {"content": f"On {name}: {error} Or name the channels and leave {name} out."}
            ) from None


def _accept_batch(publisher_id: int, posted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = [{} for _ in posted]
    drafts: dict[int, Draft] = {}
    trials = Trials()
    for position, item in enumerate(posted):
        try:
            serializer = NotificationIn(data=item)
            serializer.is_valid(raise_exception=True)
            drafts[position] = _named_draft(publisher_id, serializer.validated_data, trials)
        except ValidationError as error:
            results[position] = _failed(position, invalid(error))
        except Problem as problem:
            results[position] = _failed(position, problem)
    for position in list(drafts)[quota.remaining(publisher_id) :]:
        del drafts[position]
        results[position] = _failed(position, quota.exceeded(publisher_id))
    rows = accept(publisher_id, list(drafts.values()))
    for position, row in zip(drafts, rows, strict=True):
        results[position] = {
            "index": position,
            "status": "accepted",
            "notification": _accepted(row),
        }
    return results


def _failed(position: int, problem: Problem) -> dict[str, Any]:
    return {"index": position, "status": "error", "problem": problem.body()}


def _unknown_recipients(user_ids: Sequence[str]) -> Problem:
    return Problem(
        "unknown-recipient",
        "Some recipients are not known. Register them with PUT /v1/recipients/{user_id} first.",
        errors=[
            {"pointer": "/user_ids", "detail": f"{user_id!r} is nobody."} for user_id in user_ids
        ],
        user_ids=user_ids,
    )


# -- Answers ----------------------------------------------------------------------------------


def _once(request: Request, act: Callable[[], Answer]) -> Response:
    """Answer with what ``act`` does, or with what it did for the first request with this key.

    Checking the request belongs to ``act``: a replay is answered as the first one was, though its
    topic may be gone and its time be over.
    """
    key = request.headers.get("Idempotency-Key", request.headers.get("X-Idempotency-Key"))
    if key is not None and not 0 < len(key.strip()) <= idempotency.LONGEST_KEY:
        raise Problem(
            "invalid-idempotency-key",
            f"The Idempotency-Key must have 1 to {idempotency.LONGEST_KEY} characters; a random "
            "UUID will do.",
        )
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


def _accepted(row: Notification) -> dict[str, Any]:
    """JSON-ready, since it may be stored as an idempotency key's answer."""
    data = AcceptedOut(row).data
    return {**data, "id": str(data["id"])}


def _mine(request: Request, notification_id: UUID) -> Notification:
    row = selectors.notifications(request.user.id).filter(pk=notification_id).first()
    if row is None:
        raise Problem("not-found", "You have no notification with this id.")
    return row


def _notification(row: Notification) -> dict[str, Any]:
    row.progress = selectors.progress(row)  # type: ignore[attr-defined]
    return NotificationOut(row).data


def shown(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """What ``DeliveryOut`` shows of these deliveries beside their rows, read at once."""
    rows = list(deliveries)
    recipients = {row.recipient_id for row in rows}
    contacts = {row.contact_id for row in rows}
    return {
        "user_ids": dict(Recipient.objects.filter(pk__in=recipients).values_list("id", "user_id")),
        "masked": dict(Contact.objects.filter(pk__in=contacts).values_list("id", "masked")),
        "attempts": selectors.attempts(row.pk for row in rows),
        "receipts": selectors.receipts(row.pk for row in rows),
    }
