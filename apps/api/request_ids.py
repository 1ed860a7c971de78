"""Middleware that gives each request an id, which its answer and its log lines name."""

import logging
import re
import time
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import request_ids, tracing
from apps.core.tracing import Begun, Kind

#: A parameter of a route: ``<uuid:notification_id>``, or ``(?P<url>.*)$``.
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)\$?")
#: Methods that spans name.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def with_request_id(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: take the id from ``X-Request-ID`` or make one, and name it in the answer."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        since = time.monotonic()
        sent = request.META
        ids = request_ids.read(sent.get("HTTP_X_REQUEST_ID", ""), sent.get("HTTP_TRACEPARENT", ""))
        begun = None
        if tracing.tracer is not None:
            begun = tracing.tracer.begin(sent.get("HTTP_TRACEPARENT", ""))
            if begun is not None:
                ids = ids._replace(trace_id=tracing.trace_id(begun.place))
        token = request_ids.current.set(ids)
        place = tracing.current.set(begun.place) if begun is not None else None
        try:
            response = get_response(request)
            response.headers[request_ids.HEADER] = ids.request_id
            if request_ids.access.isEnabledFor(logging.INFO):
                _log(request, response.status_code, since)
            if begun is not None:
                _record(begun, request, response.status_code, since)
        finally:
            request_ids.current.reset(token)
            if place is not None:
                tracing.current.reset(place)
        return response

    return middleware


def route_of(request: HttpRequest) -> str:
    """Return the request's path with its parameters' names for their values, which may be ids.

    A path that is none of ours, or a file's, is ``?``.
    """
    found = request.resolver_match
    return _shown(found.route) if found is not None else "?"


@lru_cache(maxsize=1024)
def _shown(route: str) -> str:
    return "/" + _PARAMETER.sub(lambda found: f"{{{found[1] or found[2]}}}", route)


def _record(begun: Begun, request: HttpRequest, status: int, since: float) -> None:
    """Record the span of an answer; what the tracer has recorded meanwhile is below it."""
    if tracing.tracer is None:
        return
    route, now = route_of(request), tracing.now()
    # A client may invent methods; OpenTelemetry has one name for all of those.
    method = request.method if request.method in _METHODS else "_OTHER"
    tracing.tracer.record(
        f"{method} {route}",
        begun,
        now - (time.monotonic() - since),
        now,
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        },
        kind=Kind.SERVER,
        error=str(status) if status >= 500 else "",
    )


def _log(request: HttpRequest, status: int, since: float) -> None:
    found = request.resolver_match
    named = found.kwargs.get("notification_id") if found is not None else None
    about = {"notification_id": str(named)} if named is not None else {}
    request_ids.log_answer(request.method or "", route_of(request), status, since, about)
