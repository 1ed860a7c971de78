"""Input that an operation accepts, query and body, read from its OpenAPI schema."""

import inspect
from functools import cache
from io import BytesIO
from typing import NamedTuple, cast

from rest_framework.request import Request
from rest_framework.views import APIView

from apps.api.parsers import DEFAULT_MAX_BODY, read_body
from apps.api.problems import Problem
from apps.api.serializers import QueryParameters

#: Methods whose operations may take a body.
_WITH_BODY = {"POST", "PUT", "PATCH"}
#: Methods that operations use.
METHODS = {"GET", "HEAD", "DELETE", *_WITH_BODY}


class Operation(NamedTuple):
    """Input that a method of a view accepts: query parameters, a body, both or neither."""

    query: bool
    body: bool


@cache
def operation(view_class: type[APIView], method: str) -> Operation | None:
    """Return what a view's method takes, according to its ``extend_schema``.

    ``HEAD`` takes what ``GET`` does. Returns ``None`` if there is no such operation.
    """
    handler = getattr(view_class, "get" if method == "HEAD" else method.lower(), None)
    schema_class = getattr(handler, "kwargs", {}).get("schema")
    if schema_class is None:
        return None
    schema, schema.method = schema_class(), method
    schema.view = view = view_class()
    view.request, view.kwargs = cast(Request, None), {}  # as drf-spectacular does
    return Operation(
        query=any(
            inspect.isclass(taken) and issubclass(taken, QueryParameters)
            for taken in schema.get_override_parameters()
        ),
        body=method in _WITH_BODY and schema.get_request_serializer() is not None,
    )


def refuse_query(request: Request) -> None:
    """Raise a ``Problem`` that names every query parameter of a request that may have none."""
    detail = (
        "This call takes no query parameters: leave them out. A ? that belongs to a name or id in "
        "the path is written %3F."
    )
    errors = [{"parameter": name, "detail": detail} for name in request.query_params]
    raise Problem("invalid-request", detail, errors=errors)


def check_no_body(request: Request) -> None:
    """Raise a ``Problem`` if the request has a body with content.

    ``{}``, which generated clients send, counts as empty in any media type.
    """
    body = read_body(request.stream or BytesIO(), DEFAULT_MAX_BODY)
    if b"".join(body.split()) not in (b"", b"{}"):
        detail = "This call takes no body, and would ignore it: leave it out."
        raise Problem("invalid-request", detail, errors=[{"pointer": "", "detail": detail}])
