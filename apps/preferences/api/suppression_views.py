"""Suppressions: addresses that nothing is sent to, by any publisher."""

from django.db import transaction
from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import read_query
from apps.api.problems import Problem
from apps.preferences import selectors, vault
from apps.preferences.api import suppression_serializers as serializers
from apps.preferences.channels import EMAIL, get_channel
from apps.preferences.consent import spellings, suppressions
from apps.preferences.consent.suppressions import Blocked
from apps.preferences.models import Suppression, SuppressionReason
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope

TAG = "Suppressions"


class SuppressionList(ListEndpoint):
    """The suppressed addresses of this installation."""

    required_scopes = {"GET": Scope.SUPPRESSIONS_READ, "POST": Scope.SUPPRESSIONS_WRITE}
    ordering = "-id"

    @extend_schema(
        operation_id="list_suppressions",
        tags=[TAG],
        parameters=[serializers.SuppressionQuery],
        responses=serializers.SuppressionOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List suppressed addresses, masked, newest first; or look up a single one."""
        query = read_query(request, serializers.SuppressionQuery)
        sought = Q(**{name: query[name] for name in ("channel", "reason") if name in query})
        if "address" in query:
            found = selectors.suppression_of(query["channel"], query["address"])
        else:
            found = Suppression.objects.all()
        return self.paginate(request, found, serializers.SuppressionOut, query=query, sought=sought)

    @extend_schema(
        operation_id="add_suppression",
        tags=[TAG],
        request=serializers.SuppressionIn,
        responses={200: serializers.SuppressionOut, 201: serializers.SuppressionOut},
        examples=[
            OpenApiExample(
                "a phone number",
                {"channel": "sms", "address": "+4366012345678", "reason": "opted_out"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Suppress an address: nothing is sent to it any more, whichever publisher posts.

        It applies from the next delivery on; what a worker is sending right now still goes out.
        201 when it is new, 200 when the address was suppressed before: it keeps its reason then,
        unless the new one is stronger. You can lift only what you suppressed as `manual`.
        """
        wanted = self.body(request, serializers.SuppressionIn)
        channel, address = wanted["channel"], wanted["address"]
        blocked = Blocked(
            channel,
            vault.index_of(channel, address),
            get_channel(channel).mask(address)[:100],
            wanted["reason"],
            publisher_id=(
                publisher_of(request).id if wanted["reason"] == SuppressionReason.MANUAL else None
            ),
        )
        with transaction.atomic():
            if channel == EMAIL:
                spellings.adopt([address])
            found = selectors.suppression_of(channel, address).select_for_update().first()
            done = suppressions.suppress([blocked])
            row = selectors.suppression_of(channel, address).get()
            after = _audited(row)
            if done.new:
                audit.record(request, "create", "suppression", str(row.pk), after=after)
            elif done.stronger and found is not None:
                before = _audited(found)
                audit.record(
                    request, "update", "suppression", str(row.pk), before=before, after=after
                )
        return Response(serializers.SuppressionOut(row).data, status=201 if done.new else 200)


class SuppressionDetail(Endpoint):
    """One suppressed address."""

    required_scopes = {"DELETE": Scope.SUPPRESSIONS_WRITE}

    @extend_schema(operation_id="lift_suppression", tags=[TAG], responses={204: None})
    def delete(self, request: Request, suppression_id: int) -> Response:
        """Lift a suppression that you added as `manual`.

        Any other is lifted by an operator (403), or, if the address was dead, by registering it
        again. What was suppressed meanwhile is not sent after all. A contact that a provider
        reported as dead stays disabled until it is registered again.
        """
        with transaction.atomic():
            row = Suppression.objects.select_for_update().filter(pk=suppression_id).first()
            if row is None:
                raise Problem("not-found", f"There is no suppression {suppression_id}.")
            mine = row.publisher_id == publisher_of(request).id
            if row.reason != SuppressionReason.MANUAL or not mine:
                raise _protected(row)
            audit.record(request, "delete", "suppression", str(row.pk), before=_audited(row))
            suppressions.lift([row], "by the publisher who put it there")
        return Response(status=204)


def _protected(row: Suppression) -> Problem:
    """Return the problem for a suppression that a key may not lift."""
    if row.reason == suppressions.DEAD:
        detail = "It is lifted when the address is registered again, or by an operator."
    elif row.reason == SuppressionReason.MANUAL:
        detail = "It is not yours alone, and is lifted by an operator, who gives a reason."
    else:
        detail = f"What the owner or a provider said ({row.reason}) is lifted by an operator, who "
        detail += "gives a reason."
    return Problem("protected", detail)


def _audited(row: Suppression) -> dict[str, str]:
    return {"channel": row.channel, "address": row.masked, "reason": row.reason}
