"""Endpoints of dead letters: list, read and redrive them."""

from collections.abc import Collection, Sequence

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import decode_cursor, encode_cursor, read_query
from apps.api.problems import Problem
from apps.core.delivery_ids import number_of
from apps.delivery.api.dead_letter_serializers import (
    DeadLetterOut,
    DeadLettersQuery,
    DeadLetterSummaryOut,
    RedriveBody,
    RedriveIn,
    RedrivenOut,
)
from apps.delivery.api.presenters import delivery_context
from apps.delivery.models import Delivery
from apps.delivery.operations import dead_letters
from apps.delivery.operations.dead_letters import Match, Redriven
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope

TAG = "Dead letters"
_LETTER = {
    "id": "dlv_k3f9x2ab_81",
    "notification_id": "0198c0de-1111-7000-8000-000000000001",
    "topic": "order-updates",
    "channel": "email",
    "provider": "sendgrid",
    "reason": "authentication",
    "user_id": "ada",
    "address": "a***@example.com",
    "died_at": "2026-11-22T10:00:00Z",
}


class DeadLetters(ListEndpoint):
    """The list of dead letters."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}
    ordering = "-delivery_id"

    @extend_schema(
        operation_id="list_dead_letters",
        tags=[TAG],
        parameters=[DeadLettersQuery],
        responses=DeadLetterSummaryOut(many=True),
        examples=[OpenApiExample("a dead letter", _LETTER, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """List your dead letters, newest first: out of attempts, or our credentials failed.

        Each stays until it is redriven.
        """
        query = read_query(request, DeadLettersQuery)
        names = ("topic", "channel", "provider", "reason")
        match = Match(**{name: query[name] for name in names if name in query})
        rows = dead_letters.of(publisher_of(request).id).select_related("topic", "delivery")
        return self.paginate(
            request,
            rows,
            DeadLetterSummaryOut,
            query=query,
            sought=dead_letters.matching(match),
            context=lambda page: delivery_context(row.delivery for row in page),
        )


class DeadLetter(Endpoint):
    """One dead letter."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}

    @extend_schema(operation_id="get_dead_letter", tags=[TAG], responses=DeadLetterOut)
    def get(self, request: Request, delivery_id: str) -> Response:
        """Read one of your dead letters with every attempt."""
        mine = dead_letters.of(publisher_of(request).id).filter(pk=number_of(delivery_id))
        row = (
            Delivery.objects.filter(pk__in=mine.values("pk"))
            .select_related("deadletter", "notification__topic")
            .first()
        )
        if row is None:
            raise Problem("not-found", "You have no dead letter with this id.")
        return Response(DeadLetterOut(row, context=delivery_context([row])).data)


class Redrive(Endpoint):
    """Redriving of dead letters."""

    required_scopes = {"POST": Scope.NOTIFICATIONS_WRITE}

    @extend_schema(
        operation_id="redrive",
        tags=[TAG],
        request=RedriveIn,
        responses=RedrivenOut,
        examples=[
            OpenApiExample(
                "some", {"ids": ["dlv_k3f9x2ab_81", "dlv_k3f9x2ab_90"]}, request_only=True
            ),
            OpenApiExample(
                "all that match",
                {"match": {"channel": "email", "reason": "authentication"}},
                request_only=True,
            ),
            OpenApiExample(
                "put back",
                {
                    "redriven": 2,
                    "unknown": [],
                    "busy": [],
                    "gone": 0,
                    "more": False,
                    "next": None,
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Send dead letters again, now, from the start of their retry policy.

        A call redrives up to 10,000. It reads a limited number of rows, so it may redrive fewer, or
        none, while others match. While `more` is true, call again with `next` as the `cursor`.
        What something else is changing at this moment is left as it is, and listed in `busy`: call
        again with these ids.
        Expiry, cancellation, suppressions and preferences still apply to a redriven delivery. What
        they said is deleted some days after they were posted; one that is named then is refused
        with 410, and nothing is redriven. Those that only match are left out and counted in `gone`.
        """
        body: RedriveBody = self.body(request, RedriveIn)
        what = Match(**body["match"]) if "match" in body else body["ids"]
        beyond = int(decode_cursor(request, body["cursor"])) if "cursor" in body else 0
        with transaction.atomic():
            done = dead_letters.redrive(publisher_of(request).id, what, beyond)
            if done.gone and "ids" in body:
                raise _content_gone(body["ids"], done.gone)
            if done.redriven:
                audit.record(request, "redrive", "dead_letter", "", after=_after(body, done))
        further = None if done.beyond is None else encode_cursor(request, done.beyond)
        return Response({**RedrivenOut(done).data, "next": further})


def _content_gone(ids: Sequence[str], gone: Collection[str]) -> Problem:
    """Return the problem of dead letters that were named and say nothing any more."""
    return Problem(
        "content-gone",
        f"The content of {len(gone)} of them is deleted: nobody can send it again. Redrive the "
        "others without them, and post anew what is still to be said.",
        errors=[
            {"pointer": f"/ids/{index}", "detail": "Its content is deleted."}
            for index, text in enumerate(ids)
            if text in gone
        ],
    )


def _after(body: RedriveBody, done: Redriven) -> dict[str, object]:
    """Describe a redrive for the audit trail: which were requested, and how many were redriven."""
    if "match" in body:
        named: dict[str, object] = {
            "match": {name: str(what) for name, what in body["match"].items()}
        }
    else:
        named = {"ids": [text for text in body["ids"] if text not in {*done.unknown, *done.busy}]}
    return {**named, "redriven": done.redriven}
