"""What every view of the API is."""

from typing import Any

from rest_framework.request import Request
from rest_framework.views import APIView

from apps.publishers.parsers import DEFAULT_MAX_BODY, JsonBody
from apps.publishers.problems import Problem
from apps.publishers.serializers import StrictSerializer


class Endpoint(APIView):
    """A view that reads bounded strict JSON.

    ``required_scopes`` maps each method to the scope it needs; ``max_body`` is in bytes.
    """

    parser_classes = [JsonBody]
    max_body = DEFAULT_MAX_BODY
    required_scopes: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        if "Transfer-Encoding" in request.headers:
            # WSGI has no end of such a body, and Django takes it for empty.
            raise Problem("length-required", "Send Content-Length; a chunked body is not taken.")

    def body(self, request: Request, serializer: type[StrictSerializer], **options: Any) -> Any:
        """The validated body; a validation problem points at what is wrong."""
        read = serializer(data=request.data, **options)
        read.is_valid(raise_exception=True)
        return read.validated_data
