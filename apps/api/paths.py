"""URLs: their encoding, UUIDs in paths, and no redirects to a trailing slash."""

from urllib.parse import unquote_to_bytes

from django.http import HttpRequest
from django.middleware.common import CommonMiddleware
from django.urls.converters import UUIDConverter
from rest_framework.request import Request

from apps.api.problems import Problem


class AnyCaseUuid(UUIDConverter):
    """A UUID in a path, in either case (RFC 9562); Django's own converter takes lower case only."""

    regex = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"


class CompletePaths(CommonMiddleware):
    """Django's ``CommonMiddleware`` without the redirect that appends a slash: no path has one."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return False


def check_encoding(request: Request, *, slashes: bool = False) -> None:
    """Raise a ``Problem`` for a URL that Django would read as a different one.

    Django sees a path that WSGI has decoded: bytes that are not UTF-8 have become percent signs
    again, and an encoded slash separates two segments. In a query, bytes that are not UTF-8 become
    U+FFFD. ``slashes``: the name at the end of the path may have some. ``RAW_URI``, set by
    Gunicorn, is the URL as it was sent.
    """
    sent = request.META.get("RAW_URI", "")
    if "%" not in sent and sent.isascii():
        return
    try:
        unquote_to_bytes(sent.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise Problem(
            "invalid-request",
            "The URL is not UTF-8. Percent-encode the UTF-8 bytes of each character: ü is %C3%BC.",
        ) from None
    if not slashes and "%2f" in sent.partition("?")[0].lower():
        raise Problem("invalid-request", "No name or id in a path has a slash. Take out the %2F.")
