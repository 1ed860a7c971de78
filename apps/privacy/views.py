"""Endpoints by which a person is erased, and exported."""

from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Problem
from apps.preferences import selectors
from apps.preferences.api.recipient_views import TAG, RecipientBulk, RecipientDetail
from apps.privacy import erasure, export
from apps.privacy.models import Erasure, ErasureState
from apps.privacy.serializers import ErasureOut, ExportOut
from apps.publishers.api.endpoint import Endpoint
from apps.publishers.scopes import Scope

PERSONAL = Scope.DIRECTORY_PERSONAL


class RecipientView(RecipientDetail):
    """One recipient, who can be erased."""

    required_scopes = {**RecipientDetail.required_scopes, "DELETE": PERSONAL}

    @extend_schema(
        operation_id="erase_recipient",
        tags=[TAG],
        responses={202: ErasureOut, 200: ErasureOut},
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Erase a person: everything that names or reaches them, in every table.

        They are out of the directory with the answer, and nothing that waited for them is sent. The
        rest is erased in the background: `GET /v1/erasures/{erasure_id}` says how far it is.
        Repeated, it is answered with the same erasure: 200 once that is done.
        """
        selectors.check_named(user_id)
        row = erasure.begin(user_id, request)
        if row is None:
            raise Problem("not-found", "There is no such recipient, and there was none.")
        return Response(
            ErasureOut(row).data,
            status=200 if row.state == ErasureState.DONE else 202,
            headers={"Location": f"/v1/erasures/{row.pk}"},
        )


class RecipientBulkView(RecipientBulk, RecipientView):
    """Many recipients; other methods are for the recipient whose ``user_id`` is "bulk"."""

    required_scopes = {**RecipientBulk.required_scopes, "DELETE": PERSONAL}

    @extend_schema(exclude=True)
    def delete(self, request: Request, user_id: str = "bulk") -> Response:
        return super().delete(request, user_id)


class ErasureView(Endpoint):
    """One erasure."""

    required_scopes = {"GET": PERSONAL}

    @extend_schema(operation_id="get_erasure", tags=[TAG], responses=ErasureOut)
    def get(self, request: Request, erasure_id: UUID) -> Response:
        """Read how far the erasure of a person is."""
        row = Erasure.objects.filter(pk=erasure_id).first()
        if row is None:
            raise Problem("not-found", "There is no erasure with this id.")
        return Response(ErasureOut(row).data)


class ExportView(Endpoint):
    """Everything that is held about one person."""

    required_scopes = {"GET": PERSONAL}

    @extend_schema(operation_id="export_recipient", tags=[TAG], responses=ExportOut)
    def get(self, request: Request, user_id: str) -> StreamingHttpResponse:
        """Export everything that is held about a person, addresses and contents in clear.

        The document is written as it is read. One that is not valid JSON was cut off: ask again.
        """
        row = selectors.get_recipient(user_id)
        export.record(request, row)
        return StreamingHttpResponse(export.document(row), content_type="application/json")
