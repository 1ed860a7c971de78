"""Endpoints of one notification: read it, edit it, cancel it, list its deliveries."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.pagination import read_query
from apps.api.problems import CONTENT_TYPE, Problem
from apps.delivery import selectors, state
from apps.delivery.api import presenters
from apps.delivery.api.notification_serializers import (
    DeliveriesQuery,
    DeliveryOut,
    NotificationOut,
)
from apps.delivery.api.publishing.editing import EditIn
from apps.delivery.intake.earlier import editing
from apps.delivery.models import Notification
from apps.delivery.operations import retention_periods
from apps.delivery.sending import cancellation
from apps.publishers import audit
from apps.publishers.api.caller import key_of, publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.api.permissions import require_critical, require_high
from apps.publishers.scopes import Scope
from notifier.domain.categories import CategoryKind
from notifier.domain.priorities import Priority

NOTIFICATIONS = "Notifications"
BEGUN = {(409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "it is begun, or cancelled")}
#: Fields of an edit that nobody is sent, and that change no time.
KNOWN_BY = {"reference", "metadata"}


class NotificationView(Endpoint):
    """One notification."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ, "PATCH": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="get_notification", responses={200: NotificationOut}, tags=[NOTIFICATIONS]
    )
    def get(self, request: Request, notification_id: UUID) -> Response:
        """Read its state, and its deliveries counted by channel and state."""
        return Response(presenters.notification(_mine(request, notification_id)))

    @extend_schema(
        operation_id="edit_notification",
        request=EditIn,
        responses={200: NotificationOut} | BEGUN,
        tags=[NOTIFICATIONS],
        examples=[
            OpenApiExample(
                "corrected", {"content": {"body": "It comes at 11."}}, request_only=True
            ),
        ],
    )
    def patch(self, request: Request, notification_id: UUID) -> Response:
        """Move a scheduled notification to another time, or change what it says.

        What is left out stays as it is. 409 once it is begun, or cancelled; then nothing is
        changed. An edit that would change nothing is answered with 200 whatever became of it, so
        that a request can be repeated. What the key might not post, it cannot change either.
        """
        row = _mine(request, notification_id)
        body = self.body(request, EditIn)
        if body.keys() - KNOWN_BY:
            _require_permitted(request, row)
        editing.edit(request, row.pk, body)
        return Response(presenters.notification(_mine(request, notification_id)))


class CancelView(Endpoint):
    """Cancellation of a notification."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="cancel_notification",
        request=None,
        responses={200: NotificationOut},
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, notification_id: UUID) -> Response:
        """Cancel the deliveries that have not been sent. A call under way is not called back.

        The answer, the notification with its counts, comes once no worker will begin to send
        another of its messages: at once, or after 2.5 seconds where a provider is slow or a worker
        does not answer. Deliveries counted as `sending` then may have reached their provider.
        Cancelling twice has no further effect, and finished deliveries keep their state.
        """
        row = _mine(request, notification_id)
        with transaction.atomic():
            if state.cancel(row.pk):
                audit.record(request, "cancel", "notification", str(row.pk))
        cancellation.wait_until_stopped([row.pk])
        return Response(presenters.notification(_mine(request, notification_id)))


class DeliveriesView(ListEndpoint):
    """Deliveries of a notification."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}

    @extend_schema(
        operation_id="list_deliveries",
        parameters=[DeliveriesQuery],
        responses={200: DeliveryOut(many=True)},
        tags=[NOTIFICATIONS],
    )
    def get(self, request: Request, notification_id: UUID) -> Response:
        """List the notification's deliveries with every attempt, in the order they were made."""
        row = _mine(request, notification_id)
        query = read_query(request, DeliveriesQuery)
        sought = Q(**{name: query[name] for name in ("state", "channel") if name in query})
        return self.paginate(
            request,
            selectors.deliveries(row.pk),
            DeliveryOut,
            query=query,
            sought=sought,
            context=presenters.delivery_context,
        )


def _require_permitted(request: Request, row: Notification) -> None:
    """Raise ``Problem`` where the key might not post such a notification."""
    if row.category_kind == CategoryKind.CRITICAL:
        require_critical(key_of(request), row.category)
    if row.priority == Priority.HIGH:
        require_high(key_of(request))


def _mine(request: Request, notification_id: UUID) -> Notification:
    mine = selectors.notifications(publisher_of(request).id, digests=True)
    row = mine.filter(pk=notification_id).first()
    if row is None:
        gone = retention_periods.too_old(notification_id)
        raise Problem("not-found", f"You have no notification with this id. {gone}".rstrip())
    return row
