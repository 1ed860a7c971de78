"""What every view of the API is."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.publishers import limits
from apps.publishers.limits import Allowance
from apps.publishers.negotiation import JsonNegotiation
from apps.publishers.parsers import DEFAULT_MAX_BODY, BodyRequest, JsonBody, is_chunked
from apps.publishers.paths import check_encoding
from apps.publishers.problems import Problem
from apps.publishers.selectors import PublisherSnapshot
from apps.publishers.serializers import StrictSerializer, read


class Endpoint(APIView):
    """A view that reads bounded strict JSON, as often as its publisher's rate allows.

    ``required_scopes`` maps each method to the scope it needs; ``max_body`` is in bytes.
    """

    content_negotiation_class = JsonNegotiation
    parser_classes = [JsonBody]
    max_body = DEFAULT_MAX_BODY
    required_scopes: dict[str, str] = {}
    allowance: Allowance | None = None

    def initialize_request(self, request: HttpRequest, *args: Any, **options: Any) -> Request:
        return BodyRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if not isinstance(request.user, PublisherSnapshot):
            return
        # Before anything else is looked at: what is refused costs as much as what is answered.
        self.allowance = limits.take(request.user, request.auth)
        if self.allowance is not None and not self.allowance.taken:
            seconds = self.allowance.retry_after
            raise Problem(
                "rate-limited",
                f"Your publisher or key sends more requests than it may. Wait {seconds} s, then "
                "send this one again; a bulk call is one request.",
                headers={"Retry-After": str(seconds)},
            )

    def finalize_response(self, *args: Any, **options: Any) -> Response:
        response = super().finalize_response(*args, **options)
        if self.allowance is not None:
            for name, value in self.allowance.headers().items():
                response.headers[name] = value
        return response

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        is_chunked(request)  # refused, where it could not be read, whether or not it will be
        check_encoding(request)
        if any("\0" in str(part) for part in self.kwargs.values()):
            # PostgreSQL has no such character.
            raise Problem("not-found", "No name in a path has a NUL character. Check the path.")

    def body(self, request: Request, serializer: type[StrictSerializer], **options: Any) -> Any:
        """The validated body; a validation problem points at what is wrong."""
        if not options:
            return read(serializer, request.data)
        posted = serializer(data=request.data, **options)
        posted.is_valid(raise_exception=True)
        return posted.validated_data
