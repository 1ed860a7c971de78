"""The endpoint for text messages that people write to our senders."""

from io import BytesIO

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.api.openapi import ProblemDetails
from apps.api.parsers import read_body
from apps.api.problems import CONTENT_TYPE, Problem
from apps.delivery.monitoring import metrics
from apps.delivery.replies import processing
from apps.publishers.api.endpoint import Endpoint

TAG = "Receipts"


class Replies(Endpoint):
    """Replies that one provider reports, authenticated by its signature alone."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []
    max_body = 64 * 1024
    any_query = True  # the provider signs the URL that it was given, query included

    @extend_schema(
        operation_id="take_reply",
        tags=[TAG],
        auth=[],
        request={"application/x-www-form-urlencoded": {"type": "object"}},
        responses={
            (200, "text/xml"): OpenApiResponse(
                OpenApiTypes.STR,
                "TwiML: the text to answer, if any",
                examples=[
                    OpenApiExample(
                        "answer",
                        value="<Response><Message>You get no more texts.</Message></Response>",
                        media_type="text/xml",
                    )
                ],
            ),
            (400, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "not a message of this account"),
            (403, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "not signed by the provider"),
        },
    )
    def post(self, request: Request, provider: str) -> HttpResponse:
        """Take a text message that somebody wrote to a sender of ours.

        Accepts Twilio's incoming messages (`X-Twilio-Signature`). STOP, START and HELP, in several
        languages, do what they say; any other text goes to the status webhooks of whoever sent the
        last message to that number, as `message.received`. The same message is taken once, however
        often it is reported.
        """
        reader = processing.reader_for(provider)
        if reader is None:
            raise Problem("not-found", "No replies are taken from a provider of this name.")
        body = read_body(request.stream or BytesIO(), self.max_body)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not reader.verify(headers, request.META["QUERY_STRING"], body):
            metrics.REPLIES.labels(provider, "refused").inc()
            raise Problem(
                "invalid-signature", "The signature does not match the configured key and URL."
            )
        try:
            reply = reader.read(body)
        except ValueError as error:
            metrics.REPLIES.labels(provider, "invalid").inc()
            raise Problem("invalid-request", str(error)) from None
        answer = processing.take(provider, reply)
        return HttpResponse(reader.answer(answer), content_type=reader.content_type)
