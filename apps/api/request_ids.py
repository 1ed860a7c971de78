"""Middleware that gives each request an id, which its answer and its log lines name."""

import logging
import re
import time
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import request_ids

#: A parameter of a route: ``<uuid:notification_id>``, or ``(?P<url>.*)$``.
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)\$?")


def with_request_id(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: take the id from ``X-Request-ID`` or make one, and name it in the answer."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        since = time.monotonic()
        sent = request.META
        ids = request_ids.read(sent.get("HTTP_X_REQUEST_ID", ""), sent.get("HTTP_TRACEPARENT", ""))
        token = request_ids.current.set(ids)
        try:
            response = get_response(request)
            response.headers[request_ids.HEADER] = ids.request_id
            if request_ids.access.isEnabledFor(logging.INFO):
                _log(request, response.status_code, since)
        finally:
            request_ids.current.reset(token)
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


def _log(request: HttpRequest, status: int, since: float) -> None:
    found = request.resolver_match
    named = found.kwargs.get("notification_id") if found is not None else None
    about = {"notification_id": str(named)} if named is not None else {}
    request_ids.log_answer(request.method or "", route_of(request), status, since, about)
