"""The endpoint for providers' receipts."""

from io import BytesIO

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.parsers import read_body
from apps.api.problems import CONTENT_TYPE, Problem
from apps.delivery.monitoring import metrics
from apps.delivery.receipts import processing
from apps.publishers.api.endpoint import Endpoint

TAG = "Receipts"


class Receipts(Endpoint):
    """Receipts of one provider, authenticated by its signature alone."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []
    max_body = 2 * 1024 * 1024  # SendGrid's batches have up to 768 kB
    any_query = True  # the provider signs the URL that it was given, query included

    @extend_schema(
        operation_id="take_receipt",
        tags=[TAG],
        auth=[],
        request={
            "application/x-www-form-urlencoded": {"type": "object"},
            "application/json": OpenApiTypes.ANY,
        },
        responses={
            204: None,
            (403, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "not signed by the provider"),
        },
    )
    def post(self, request: Request, provider: str) -> Response:
        """Take a receipt from a provider, who signs it.

        Accepts Twilio's status callbacks (`X-Twilio-Signature`) and SendGrid's signed Event Webhook
        (`X-Twilio-Email-Event-Webhook-Signature`). A request with another signature or none gets
        403 and changes nothing. Receipts are read within seconds, and move deliveries to
        `delivered` or `bounced`.
        """
        reader = processing.reader_for(provider)
        if reader is None:
            raise Problem("not-found", "No receipts are taken from a provider of this name.")
        body = read_body(request.stream or BytesIO(), self.max_body)
        query = request.META["QUERY_STRING"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not reader.verify(headers, query, body):
            metrics.RECEIPTS.labels(provider, "refused").inc()
            raise Problem(
                "invalid-signature",
                "The signature does not match the configured key and URL.",
            )
        processing.store(provider, query, body)
        metrics.RECEIPTS.labels(provider, "taken").inc()
        return Response(status=204)
