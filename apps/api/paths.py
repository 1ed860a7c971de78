"""What a request's path and query may be written with."""

from urllib.parse import unquote_to_bytes

from django.http import HttpRequest
from django.middleware.common import CommonMiddleware
from django.urls.converters import UUIDConverter
from rest_framework.request import Request

from apps.api.problems import Problem


class AnyCaseUuid(UUIDConverter):
    """A UUID in a path. RFC 9562 has both cases read; Django's own converter reads one."""

    regex = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"


class CompletePaths(CommonMiddleware):
    """Django's, which does not look whether a path only lacks its slash: ours have none."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return False


def check_encoding(request: Request) -> None:
    """Raise a ``Problem`` for a URL that Django takes for another one than was sent.

    Of a path it sees what WSGI decoded: bytes that are no UTF-8 have become a text with percent
    signs, and an encoded slash parts two segments. In a query, what is no UTF-8 becomes U+FFFD.
    ``RAW_URI`` is Gunicorn's: the URL as it came.
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
    if "%2f" in sent.partition("?")[0].lower():
        raise Problem("invalid-request", "No name or id in a path has a slash. Take out the %2F.")
