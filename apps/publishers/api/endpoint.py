"""``Endpoint``, the base of every view of the API, and ``ListEndpoint``, that of lists."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from apps.api.negotiation import JsonNegotiation
from apps.api.operation import METHODS, check_no_body, operation, refuse_query
from apps.api.pagination import CursorPage
from apps.api.parsers import DEFAULT_MAX_BODY, BodyRequest, JsonBody, is_chunked
from apps.api.paths import check_encoding
from apps.api.problems import Problem
from apps.api.serializers import StrictSerializer, read
from apps.publishers import limits
from apps.publishers.api.caller import key_of
from apps.publishers.limits import Allowance
from apps.publishers.selectors import PublisherSnapshot

M = TypeVar("M", bound=Model)


class Endpoint(APIView):
    """A view that takes bounded, strict JSON and enforces its publisher's rate limit.

    ``required_scopes`` maps each method to the scope that it needs; ``max_body`` is in bytes.
    """

    content_negotiation_class = JsonNegotiation
    parser_classes = [JsonBody]
    max_body = DEFAULT_MAX_BODY
    required_scopes: dict[str, str] = {}
    allowance: Allowance | None = None
    #: True if the view accepts any query parameters and reads them itself.
    any_query = False
    #: True if the name at the end of its path may have slashes.
    slashes = False

    def initialize_request(self, request: HttpRequest, *args: Any, **options: Any) -> Request:
        return BodyRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def perform_authentication(self, request: Request) -> None:
        publisher: object = request.user  # authenticates; each access costs a microsecond
        if not isinstance(publisher, PublisherSnapshot):
            return
        # First of all, since a refused request costs as much as any other.
        self.allowance = limits.take(publisher, key_of(request), self.high_posted(request))
        if self.allowance is not None and not self.allowance.taken:
            seconds = self.allowance.retry_after
            raise Problem(
                "rate-limited",
                f"Your publisher or key sends more requests than it may. Wait {seconds} s, then "
                "send this one again; a bulk call is one request.",
                headers={"Retry-After": str(seconds)},
            )

    def high_posted(self, request: Request) -> int:
        """Return how many high-priority notifications the request posts: they have a rate limit."""
        return 0

    def finalize_response(self, request: Request, *args: Any, **options: Any) -> Response:
        response = super().finalize_response(request, *args, **options)
        if isinstance(request, BodyRequest):
            request.forget_data()
        if self.allowance is not None:
            for name, value in self.allowance.headers().items():
                response.headers[name] = value
        return response

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        is_chunked(request)  # refuse a body that could not be read, even if the view ignores it
        check_encoding(request, slashes=self.slashes)
        if any("\0" in str(part) for part in self.kwargs.values()):
            # PostgreSQL cannot store that character.
            raise Problem("not-found", "No name in a path has a NUL character. Check the path.")
        self._check_taken(request)

    def _check_taken(self, request: Request) -> None:
        """Refuse a query or a body that the operation does not take and so would ignore."""
        asked = request._request  # each attribute of DRF's request costs a microsecond
        view_class: Any = type(self)  # mypy takes no class with a ``__hash__`` for hashable
        takes = operation(view_class, asked.method) if asked.method in METHODS else None
        if takes is None:
            return  # DRF responds with 405
        if asked.META.get("QUERY_STRING") and not takes.query and not self.any_query:
            refuse_query(request)
        if not takes.body:
            check_no_body(request)

    def body(self, request: Request, serializer: type[StrictSerializer], **options: Any) -> Any:
        """Return the validated body. Raises ``ValidationError`` for an invalid one."""
        if not options:
            return read(serializer, request.data)
        posted = serializer(data=request.data, **options)
        posted.is_valid(raise_exception=True)
        return posted.validated_data


class ListEndpoint(Endpoint):
    """A view that lists rows in pages. ``ordering`` is a unique key; ``-id`` is newest first."""

    pagination_class = CursorPage
    ordering = "id"

    def paginate(
        self,
        request: Request,
        rows: QuerySet[M],
        serializer: type[BaseSerializer[Any]],
        *,
        query: dict[str, Any] | None = None,
        sought: Q | None = None,
        keep: Callable[[list[M]], list[M]] | None = None,
        of: str = "",
        prepare: Callable[[list[M]], Iterable[object]] = lambda rows: rows,
        context: Callable[[list[M]], dict[str, Any]] = lambda _: {},
    ) -> Response:
        """Respond with a page of ``rows``.

        ``query``, ``sought`` and ``keep``: see ``CursorPage.paginate_queryset``. ``of``: see
        ``encode_cursor``. ``prepare`` returns what the serializer shows of the rows of the page,
        ``context`` the serializer's context for them.
        """
        page = self.pagination_class(self.ordering, of)
        found = page.paginate_queryset(rows, request, query=query, sought=sought, keep=keep)
        shown = serializer(prepare(found), many=True, context=context(found)).data
        return page.get_paginated_response(shown)
