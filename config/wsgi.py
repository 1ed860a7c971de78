"""The WSGI door, for gunicorn."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import django
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import get_resolver
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Utf8Request(WSGIRequest):
    """A request that is read as UTF-8, whatever charset its ``Content-Type`` names.

    Django looks up any codec that a client names, and fails with those that are none for text
    ("hex") or that the extended syntax of a parameter names (RFC 8187). The API refuses a body in
    another charset itself; forms come in the charset of their page, which is ours.
    """

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        content_type, _, parameters = meta.get("CONTENT_TYPE", "").partition(";")
        self.content_type = content_type.strip().lower()
        self.content_params: dict[str, str] = {}
        if "*" in parameters:
            self.META["CONTENT_TYPE"] = content_type


Chain = Callable[[HttpRequest], HttpResponseBase]


class Handler(WSGIHandler):
    """Django's handler, with that request, and without the pages' middleware for the API.

    Sessions, messages and the like do nothing there but take a tenth of the time of a request.
    """

    request_class = Utf8Request

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        pages: Chain = self._middleware_chain  # type: ignore[has-type]
        api: Chain = convert_exception_to_response(self._get_response)
        for name in reversed(settings.API_MIDDLEWARE):
            api = convert_exception_to_response(import_string(name)(api))

        def chosen(request: HttpRequest) -> HttpResponseBase:
            return (api if request.path_info.startswith("/v1/") else pages)(request)

        self._middleware_chain = chosen


django.setup(set_prefix=False)
application = Handler()
get_resolver().url_patterns  # noqa: B018  # imports the API now, not in the first request
