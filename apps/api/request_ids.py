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
        begun = tracing.tracer.begin() if tracing.tracer is not None else None
        if begun is not None:
            ids = ids._replace(trace_id=tracing.trace_id(begun.place))
        token, span = request_ids.current.set(ids), tracing.current.set(begun)
        try:
            response = get_response(request)
            response.headers[request_ids.HEADER] = ids.request_id
            if request_ids.access.isEnabledFor(logging.INFO):
                _log(request, response.status_code, since)
            if (begun := tracing.current.get()) is not None:
                _record(begun, request, response.status_code, since)
        finally:
            request_ids.current.reset(token)
            tracing.current.reset(span)
        return response

    return middleware


def follow_caller(traceparent: str) -> None:
    """Let the caller decide whether the request at hand is sampled, as part of its own trace.

    Call it once the caller is known: anybody else could have every request sampled.
    """
    if tracing.tracer is None or not traceparent:
        return
    begun = tracing.tracer.begin(traceparent)
    tracing.current.set(begun)
    if (ids := request_ids.current.get()) is not None:
        named = tracing.trace_id(begun.place) if begun else request_ids.trace_of(traceparent)
        request_ids.current.set(ids._replace(trace_id=named))


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
