"""Content negotiation: requests and responses are JSON in UTF-8 and nothing else."""

from collections.abc import Iterable

from django.utils.http import parse_header_parameters
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.api.problems import CONTENT_TYPE, Problem

JSON = "application/json"
#: Media ranges that JSON satisfies; an empty one asks for nothing in particular.
_JSON_RANGES = frozenset({JSON, CONTENT_TYPE, "application/*", "*/*", ""})
#: Charsets that are UTF-8 or a subset of it.
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class JsonNegotiation(DefaultContentNegotiation):
    """Respond with JSON if any media range of ``Accept`` allows it.

    Parameters of media ranges are ignored: DRF's own negotiation fails on some of them.
    """

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        accept = request.META.get("HTTP_ACCEPT", "*/*")
        if not any(
            one.partition(";")[0].strip().lower() in _JSON_RANGES for one in accept.split(",")
        ):
            raise exceptions.NotAcceptable(available_renderers=list(renderers))
        return next(iter(renderers)), JSON

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        if request.content_type == JSON:  # the usual spelling; DRF would parse it three times
            return next((parser for parser in parsers if parser.media_type == JSON), None)
        return super().select_parser(request, parsers)


class PageNegotiation(DefaultContentNegotiation):
    """Respond with the view's only renderer, whatever ``Accept`` says."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def check_charset(media_type: str) -> None:
    """Raise a ``Problem`` if a body's ``Content-Type`` names another charset than UTF-8."""
    if media_type == JSON:
        return
    charset = parse_header_parameters(media_type)[1].get("charset", "utf-8")
    if charset.lower() not in _UTF_8:
        raise Problem(
            "unsupported-media-type",
            f"Send JSON in UTF-8, not in {charset[:40]!r}: Content-Type: application/json; "
            "charset=utf-8.",
        )


def check_content_encoding(encoding: str) -> None:
    """Raise a ``Problem`` if a body is compressed (``Content-Encoding``)."""
    if encoding.strip().lower() not in ("", "identity"):
        raise Problem(
            "unsupported-media-type", "Send the body as it is, without a Content-Encoding."
        )
