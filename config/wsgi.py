"""The WSGI application, for Gunicorn."""

import os
from collections.abc import Callable, Mapping
from typing import Any, cast

import django
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, get_resolver
from django.utils.module_loading import import_string

from config.web.framework import API_MIDDLEWARE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Utf8Request(WSGIRequest):
    """A request that is decoded as UTF-8, whatever charset its ``Content-Type`` names.

    Django looks up any codec that a client names, and fails for those that do not decode text
    ("hex") and those named in the extended syntax of a parameter (RFC 8187). The API itself refuses
    a body in another charset; forms come in the charset of their page, which is UTF-8.
    """

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        content_type, _, parameters = meta.get("CONTENT_TYPE", "").partition(";")
        self.content_type = content_type.strip().lower()
        self.content_params: dict[str, str] = {}
        if "*" in parameters:
            self.META["CONTENT_TYPE"] = content_type


Chain = Callable[[HttpRequest], HttpResponseBase]


class Handler(WSGIHandler):
    """Django's handler with ``Utf8Request``, and with ``API_MIDDLEWARE`` alone for the API.

    Sessions, messages and the like do nothing for the API and take a tenth of a request's time.
    """

    request_class = Utf8Request

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        handler: Any = self  # the stubs leave out what is private
        pages: Chain = handler._middleware_chain
        # Coroutines are for an asynchronous server.
        converted = cast(Callable[[Chain], Chain], convert_exception_to_response)
        api = converted(handler._get_response)
        for name in reversed(API_MIDDLEWARE):
            api = converted(import_string(name)(api))

        def by_path(request: HttpRequest) -> HttpResponseBase:
            return (api if request.path_info.startswith("/v1/") else pages)(request)

        handler._middleware_chain = by_path
        self._found: dict[str, ResolverMatch] = {}

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Resolve the path; a route without parameters is resolved once and remembered."""
        path = request.path_info
        found = self._found.get(path)
        if found is None:
            found = super().resolve_request(request)
            if found.route == path[1:] and not found.kwargs:
                self._found[path] = found
        request.resolver_match = found
        return found


django.setup(set_prefix=False)
# Connections are returned at the end of each request, so there are none to check before the next.
request_started.disconnect(close_old_connections)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)
application = Handler()
get_resolver().url_patterns  # noqa: B018  # import the API now, not in the first request
