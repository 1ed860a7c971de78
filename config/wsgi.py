"""The WSGI door, for gunicorn."""

import os
from collections.abc import Mapping
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.urls import get_resolver

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


class Handler(WSGIHandler):
    """Django's handler, with that request."""

    request_class = Utf8Request


django.setup(set_prefix=False)
application = Handler()
get_resolver().url_patterns  # noqa: B018  # imports the API now, not in the first request
