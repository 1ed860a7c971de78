"""Cursor pagination: ``{"data": […], "next": "<cursor or null>"}``.

A page is found by key (``id > the last one's``), never by offset. A filter that no index serves
examines at most ``MOST_EXAMINED`` rows a page; the page then ends, full or not, and its ``next``
continues the search. Cursors are opaque, signed and valid for one list only, so that nobody can
page by a key of their own.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Problem
from apps.api.serializers import QueryParameters
from apps.core.row_windows import row_window

if TYPE_CHECKING:  # its import needs the classes that the settings name
    from rest_framework.views import APIView

M = TypeVar("M", bound=Model)
R = TypeVar("R")

LIMIT = 50
MAX_LIMIT = 200
#: Rows that one page examines for a filter that no index serves: about 20 ms.
MOST_EXAMINED = 20_000
#: Rows that one page reads where the filter is not of SQL (``keep`` of ``CursorPage``).
READ_THROUGH = 500


class PageQuery(QueryParameters):
    """The query parameters of a list. Subclasses add filters."""

    cursor = serializers.CharField(required=False, help_text="`next` of the previous page")
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_LIMIT, default=LIMIT, help_text="rows a page"
    )


def read_query(request: Request, query: type[QueryParameters] = PageQuery) -> dict[str, Any]:
    """Return the validated query parameters.

    Raises a ``Problem`` that names each invalid, repeated or unknown one.
    """
    given = request.query_params
    serializer = query(data=given.dict())
    errors = [
        {"parameter": name, "detail": "Send it once."}
        for name, values in given.lists()
        if len(values) > 1
    ]
    if not serializer.is_valid():
        errors += [
            {"parameter": name, "detail": str(detail)}
            for name, details in serializer.errors.items()
            for detail in details
        ]
    if errors:
        first = errors[0]
        raise Problem("invalid-request", f"?{first['parameter']}: {first['detail']}", errors=errors)
    validated: dict[str, Any] = serializer.validated_data
    return validated


def encode_cursor(request: Request, key: object, of: str = "") -> str:
    """Return an opaque cursor for the rows after ``key``, which is stored as ``str(key)``.

    ``of`` tells lists of one path apart that have keys of their own.
    """
    return signing.dumps(str(key), salt=_salt(request, of))


def decode_cursor(request: Request, cursor: str, of: str = "") -> str:
    """Return the key in ``cursor``, as text. Raises a ``Problem`` if it is not this list's."""
    try:
        key: str = signing.loads(cursor, salt=_salt(request, of))
    except signing.BadSignature:
        raise Problem(
            "invalid-cursor",
            "Use `next` of this list's last answer as it is, or leave cursor out to start anew.",
        ) from None
    return key


def _salt(request: Request, of: str) -> str:
    return f"cursor:{request.path}{of and ' '}{of}"


class CursorPage(BasePagination):
    """Pages of a queryset by one unique key: ``-id`` is newest first."""

    ordering = "id"

    def __init__(self, ordering: str | None = None, of: str = "") -> None:
        self.ordering = ordering or self.ordering
        self.of = of
        self.next: str | None = None

    def paginate_queryset(
        self,
        queryset: QuerySet[M, R] | Sequence[R],
        request: Request,
        view: "APIView | None" = None,
        query: dict[str, Any] | None = None,
        sought: Q | None = None,
        keep: Callable[[list[R]], list[R]] | None = None,
    ) -> list[R]:
        """Return the page's rows. ``queryset`` has to be a ``QuerySet``; DRF allows any sequence.

        ``query`` is the result of ``read_query``. ``sought`` is a filter that no index serves.
        ``keep`` returns those of some rows that are sought, where no statement tells.
        """
        query = read_query(request) if query is None else query
        queryset = cast("QuerySet[M, R]", queryset)
        key = self.ordering.lstrip("-")
        beyond = "lt" if self.ordering.startswith("-") else "gt"
        if "cursor" in query:
            last = decode_cursor(request, query["cursor"], self.of)
            queryset = queryset.filter(**{f"{key}__{beyond}": last})
        if sought:
            queryset, end = row_window(queryset, self.ordering, MOST_EXAMINED)
            queryset = queryset.filter(sought)
            self.next = None if end is None else encode_cursor(request, end, self.of)
        # One row beyond the limit shows whether there is a next page.
        most = query["limit"] + 1 if keep is None else READ_THROUGH
        rows = list(queryset.order_by(self.ordering)[:most])
        if keep is not None:
            if len(rows) == most:
                self.next = encode_cursor(request, getattr(rows[-1], key), self.of)
            rows = keep(rows)
        if len(rows) > query["limit"]:
            rows = rows[: query["limit"]]
            self.next = encode_cursor(request, getattr(rows[-1], key), self.of)
        return rows

    def get_paginated_response(self, data: object) -> Response:
        return Response({"data": data, "next": self.next})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["data", "next"],
            "properties": {
                "data": schema,
                "next": {
                    "type": ["string", "null"],
                    "description": "cursor of the next page, null on the last",
                    "example": None,
                },
            },
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        return []
