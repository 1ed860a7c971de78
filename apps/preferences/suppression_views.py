"""Addresses that must not be sent to, by anybody."""

from typing import Any

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.preferences import selectors, services, spellings, vault
from apps.preferences import suppression_serializers as serializers
from apps.preferences.channels import EMAIL, get_channel
from apps.preferences.models import Suppression
from apps.preferences.services import Blocked
from apps.publishers import audit
from apps.publishers.endpoint import Endpoint
from apps.publishers.pagination import CursorPage, read_query
from apps.publishers.problems import Problem
from apps.publishers.scopes import Scope

TAG = "Suppressions"


class SuppressionList(Endpoint):
    """Every suppressed address of this installation."""

    required_scopes = {"GET": Scope.SUPPRESSIONS_READ, "POST": Scope.SUPPRESSIONS_WRITE}
    pagination_class = CursorPage

    @extend_schema(
        operation_id="list_suppressions",
        tags=[TAG],
        parameters=[serializers.SuppressionQuery],
        responses=serializers.SuppressionRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """List suppressed addresses, masked, newest first; or find out about one of them."""
        query = read_query(request, serializers.SuppressionQuery)
        sought = Q(**{name: query[name] for name in ("channel", "reason") if name in query})
        if "address" in query:
            found = selectors.suppression_of(query["channel"], query["address"])
        else:
            found = Suppression.objects.all()
        page = CursorPage("-id")
        rows = page.paginate_queryset(found, request, query=query, sought=sought)
        return page.get_paginated_response(serializers.SuppressionRow(rows, many=True).data)

    @extend_schema(
        operation_id="add_suppression",
        tags=[TAG],
        request=serializers.SuppressionIn,
        responses={200: serializers.SuppressionRow, 201: serializers.SuppressionRow},
        examples=[
            OpenApiExample(
                "a phone number",
                {"channel": "sms", "address": "+4366012345678", "reason": "opted_out"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Send nothing to an address any more, whoever asks for it.

        It holds from the next delivery on; what a worker is sending right now still goes out.
        201 when it is new; 200 when it was suppressed before. It keeps its first reason, but that
        it is dead, which ends when it is registered again, gives way to any other.
        """
        wanted = self.body(request, serializers.SuppressionIn)
        channel, address = wanted["channel"], wanted["address"]
        blocked = Blocked(
            channel,
            vault.index_of(channel, address),
            get_channel(channel).mask(address)[:100],
            wanted["reason"],
        )
        with transaction.atomic():
            if channel == EMAIL:
                spellings.adopt([address])
            done = services.suppress([blocked])
            row = selectors.suppression_of(channel, address).get()
            after = _audited(row)
            if done.new:
                audit.record(request, "create", "suppression", str(row.pk), after=after)
            elif done.dead:
                before = {**after, "reason": services.DEAD}
                audit.record(
                    request, "update", "suppression", str(row.pk), before=before, after=after
                )
        return Response(serializers.SuppressionRow(row).data, status=201 if done.new else 200)


class SuppressionDetail(Endpoint):
    """One suppressed address."""

    required_scopes = {"DELETE": Scope.SUPPRESSIONS_WRITE}

    @extend_schema(operation_id="lift_suppression", tags=[TAG], responses={204: None})
    def delete(self, request: Request, suppression_id: int) -> Response:
        """Allow an address to be sent to again.

        What was suppressed meanwhile is not sent after all. A contact that a provider called
        dead stays disabled until it is registered again.
        """
        with transaction.atomic():
            row = Suppression.objects.select_for_update().filter(pk=suppression_id).first()
            if row is None:
                raise Problem("not-found", f"There is no suppression {suppression_id}.")
            audit.record(request, "delete", "suppression", str(row.pk), before=_audited(row))
            row.delete()
        return Response(status=204)


def _audited(row: Suppression) -> dict[str, Any]:
    return {"channel": row.channel, "address": row.masked, "reason": row.reason}
