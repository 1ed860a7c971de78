"""Endpoints of status webhooks: create, read, change, delete and test them."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.pagination import PageQuery
from apps.api.problems import CONTENT_TYPE, Problem
from apps.delivery.api import presenters
from apps.delivery.api import status_webhook_serializers as serializers
from apps.delivery.api.notification_serializers import DeliveryOut
from apps.delivery.models import StatusWebhook
from apps.delivery.status_webhooks import health, lookup
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope

TAG = "Status webhooks"
KIND = "status_webhook"
_OUT = {
    "id": 3,
    "url": "https://shop.example.com/•••",
    "events": ["failed", "dead"],
    "state": "active",
    "former_secret_until": None,
    "created_at": "2026-11-22T10:00:00Z",
    "last_success_at": "2026-11-22T10:01:00Z",
    "last_error_at": None,
    "last_error": "",
}
_FAILED = {
    "outcome": "retry",
    "error": "no connection could be made, and nothing was sent: “TLS failed: certificate has "
    "expired”",
    "status": None,
    "duration_ms": 14,
    "delivery_id": "dlv_93",
}


class StatusWebhookList(ListEndpoint):
    """The status webhooks of a publisher."""

    required_scopes = {"GET": Scope.WEBHOOKS_READ, "POST": Scope.WEBHOOKS_WRITE}

    @extend_schema(
        operation_id="list_status_webhooks",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.StatusWebhookOut(many=True),
        examples=[OpenApiExample("a status webhook", _OUT, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """List your status webhooks, oldest first."""
        return self.paginate(request, _own(request), serializers.StatusWebhookOut, context=_context)

    @extend_schema(
        operation_id="create_status_webhook",
        tags=[TAG],
        request=serializers.StatusWebhookIn,
        responses={
            200: serializers.StatusWebhookKeptOut,
            201: serializers.StatusWebhookKeptOut,
            (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "you have 10 status webhooks"),
        },
        examples=[
            OpenApiExample(
                "deliveries that will not arrive",
                {"url": "https://shop.example.com/hooks", "events": ["failed", "dead"]},
                request_only=True,
            ),
            OpenApiExample("created", {**_OUT, "secret": "whsec_…"}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Have events sent to a URL when your deliveries reach the states you choose.

        201 for a new one. 200 where you had one at this URL: it gets these events from now on, and
        is enabled if it was disabled. A publisher has at most 10.
        """
        wanted = self.body(request, serializers.StatusWebhookIn)
        try:
            with transaction.atomic():
                saved = lookup.save(publisher_of(request).id, **wanted)
                _audit(request, "update" if saved.before else "create", saved.row, saved.before)
        except lookup.TooMany:
            raise Problem(
                "conflict",
                f"You have {lookup.MOST} status webhooks, the maximum. Delete one of them first.",
            ) from None
        shown = _represent(saved.row)
        if saved.secret:
            shown["secret"] = saved.secret
        return Response(shown, status=200 if saved.before else 201)


class StatusWebhookDetail(Endpoint):
    """One status webhook."""

    required_scopes = {
        "GET": Scope.WEBHOOKS_READ,
        "PATCH": Scope.WEBHOOKS_WRITE,
        "DELETE": Scope.WEBHOOKS_WRITE,
    }

    @extend_schema(
        operation_id="read_status_webhook", tags=[TAG], responses=serializers.StatusWebhookOut
    )
    def get(self, request: Request, webhook_id: int) -> Response:
        """Read one of your status webhooks."""
        return Response(_represent(_one(request, webhook_id)))

    @extend_schema(
        operation_id="change_status_webhook",
        tags=[TAG],
        request=serializers.StatusWebhookChangeIn,
        responses=serializers.StatusWebhookOut,
    )
    def patch(self, request: Request, webhook_id: int) -> Response:
        """Choose other events; this enables a status webhook that was disabled."""
        wanted = self.body(request, serializers.StatusWebhookChangeIn)
        with transaction.atomic():
            row = _one(request, webhook_id, lock=True)
            before = row.events
            lookup.set_events(row, wanted["events"])
            _audit(request, "update", row, before)
        return Response(_represent(row))

    @extend_schema(operation_id="delete_status_webhook", tags=[TAG], responses={204: None})
    def delete(self, request: Request, webhook_id: int) -> Response:
        """Delete a status webhook; events already on their way may still arrive."""
        with transaction.atomic():
            row = _one(request, webhook_id, lock=True)
            audit.record(request, "delete", KIND, str(row.pk), before=_audited(row, row.events))
            row.delete()
        return Response(status=204)


class StatusWebhookTest(Endpoint):
    """A test call to a status webhook."""

    required_scopes = {"POST": Scope.WEBHOOKS_WRITE}

    @extend_schema(
        operation_id="test_status_webhook",
        tags=[TAG],
        request=None,
        responses=serializers.StatusWebhookTestedOut,
        examples=[OpenApiExample("a certificate that has expired", _FAILED, response_only=True)],
    )
    def post(self, request: Request, webhook_id: int) -> Response:
        """Send a message of the type `webhook.test` there now, signed like any other.

        A worker sends it as it sends any message. The answer has the outcome of its first attempt.
        """
        with transaction.atomic():
            row = _one(request, webhook_id)
            posted = health.send_test(row)
            audit.record(request, "test", KIND, str(row.pk))
        tested = health.wait_for_test(posted)
        return Response(serializers.StatusWebhookTestedOut(tested).data)


class StatusWebhookDeliveries(ListEndpoint):
    """Messages sent to a status webhook."""

    required_scopes = {"GET": Scope.WEBHOOKS_READ}
    ordering = "-id"

    @extend_schema(
        operation_id="list_status_webhook_deliveries",
        tags=[TAG],
        parameters=[PageQuery],
        responses=DeliveryOut(many=True),
    )
    def get(self, request: Request, webhook_id: int) -> Response:
        """List the messages to its endpoint with every attempt, newest first."""
        rows = health.deliveries(_one(request, webhook_id))
        return self.paginate(request, rows, DeliveryOut, context=presenters.delivery_context)


def _represent(row: StatusWebhook) -> dict[str, object]:
    """Build the JSON of a status webhook with its health."""
    return dict(serializers.StatusWebhookOut(row, context=_context([row])).data)


def _context(rows: Sequence[StatusWebhook]) -> dict[str, object]:
    return {"health": health.health(rows)}


def _own(request: Request) -> QuerySet[StatusWebhook]:
    return StatusWebhook.objects.filter(publisher=publisher_of(request).id).select_related(
        "contact"
    )


def _one(request: Request, webhook_id: int, *, lock: bool = False) -> StatusWebhook:
    rows = _own(request)
    if lock:
        rows = rows.select_for_update(of=("self",))
    row = rows.filter(pk=webhook_id).first()
    if row is None:
        raise Problem("not-found", f"You have no status webhook {webhook_id}.")
    return row


def _audit(request: Request, action: str, row: StatusWebhook, before: list[str] | None) -> None:
    was = None if before is None else _audited(row, before)
    now = _audited(row, row.events)
    audit.record(request, action, KIND, str(row.pk), before=was, after=now)


def _audited(row: StatusWebhook, events: list[str]) -> dict[str, object]:
    return {"url": row.contact.masked, "events": events}
