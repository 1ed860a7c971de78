"""Endpoints of bulk actions: begin one, see how far it is, end it."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.pagination import read_query
from apps.api.problems import CONTENT_TYPE, Problem
from apps.bulk import running
from apps.bulk.models import BulkAction
from apps.bulk.serializers import BulkActionIn, BulkActionOut, BulkActionsQuery, BulkBody
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.models import Publisher
from apps.publishers.scopes import Scope

TAG = "Bulk actions"
#: Bulk actions that a publisher may have at once.
MOST_UNFINISHED = 10


class BulkActions(ListEndpoint):
    """The list of bulk actions."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ, "POST": Scope.NOTIFICATIONS_WRITE}
    ordering = "-id"

    @extend_schema(
        operation_id="begin_bulk_action",
        tags=[TAG],
        request=BulkActionIn,
        responses={
            202: BulkActionOut,
            (409, CONTENT_TYPE): OpenApiResponse(
                ProblemDetails, "you have 10 that are not finished"
            ),
        },
        examples=[
            OpenApiExample(
                "what an outage killed",
                {"action": "redrive", "match": {"channel": "email", "reason": "authentication"}},
                request_only=True,
            ),
            OpenApiExample(
                "all that is scheduled for a topic",
                {"action": "cancel", "match": {"topic": "news", "state": "scheduled"}},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Redrive, release or cancel everything of yours that matches, in the background.

        `redrive` sends dead letters again. `release` tries deliveries now that wait for another
        attempt since a provider failed. `cancel` cancels notifications. Only what was there before
        the call is acted on, so a call that is repeated does no harm.
        """
        body: BulkBody = self.body(request, BulkActionIn)
        publisher_id = publisher_of(request).id
        with transaction.atomic():
            # One at a time, or two at once would be one too many.
            Publisher.objects.select_for_update(no_key=True).get(pk=publisher_id)
            unfinished = BulkAction.objects.filter(publisher_id=publisher_id, finished_at=None)
            if unfinished.count() >= MOST_UNFINISHED:
                raise Problem(
                    "conflict",
                    f"You have {MOST_UNFINISHED} bulk actions that are not finished: wait until "
                    "one is, or abort one.",
                )
            row = running.begin(request, body["action"], body["match"], publisher_id)
        return Response(
            BulkActionOut(row).data, 202, headers={"Location": f"/v1/bulk-actions/{row.pk}"}
        )

    @extend_schema(
        operation_id="list_bulk_actions",
        tags=[TAG],
        parameters=[BulkActionsQuery],
        responses=BulkActionOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List your bulk actions, newest first."""
        query = read_query(request, BulkActionsQuery)
        sought = Q(action=query["action"]) if "action" in query else Q()
        rows = BulkAction.objects.filter(publisher_id=publisher_of(request).id)
        return self.paginate(request, rows, BulkActionOut, query=query, sought=sought)


class BulkActionDetail(Endpoint):
    """One bulk action."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}

    @extend_schema(operation_id="get_bulk_action", tags=[TAG], responses=BulkActionOut)
    def get(self, request: Request, action_id: UUID) -> Response:
        """Read how far a bulk action is."""
        return Response(BulkActionOut(_mine(request, action_id)).data)


class BulkActionAbort(Endpoint):
    """The end of a bulk action that is not done."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="abort_bulk_action", tags=[TAG], request=None, responses=BulkActionOut
    )
    def post(self, request: Request, action_id: UUID) -> Response:
        """End a bulk action. What it has done stays done, and it does nothing after the answer.

        One that is done already, or was ended, stays as it is.
        """
        running.abort(request, _mine(request, action_id).pk)
        return Response(BulkActionOut(_mine(request, action_id)).data)


def _mine(request: Request, action_id: UUID) -> BulkAction:
    rows = BulkAction.objects.filter(publisher_id=publisher_of(request).id)
    row = rows.filter(pk=action_id).first()
    if row is None:
        raise Problem("not-found", "You have no bulk action with this id.")
    return row
