"""Security headers: what browsers may do with a response."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Policy of responses that are not pages: nothing is run, and nothing shown in a frame.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#: Policy of the admin. Its theme uses Alpine, which evaluates expressions in the markup and sets
#: colours as inline styles. Scripts come from files of this service only, never from markup.
ADMIN = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Policy of the API's documentation, a page of swagger-ui.
DOCS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_OF_PATHS = (("/admin/", ADMIN), ("/v1/docs", DOCS))


def security_headers(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that adds the headers which Django's own does not, unless the view has set them.

    HSTS goes with every response if ``NOTIFIER_PUBLIC_URL`` is https: the proxy that terminates TLS
    passes it on, and browsers ignore it over plain HTTP (RFC 6797, section 8.1).
    """
    seconds = settings.SECURE_HSTS_SECONDS

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        headers = response.headers
        path = request.path
        policy = next((one for start, one in _OF_PATHS if path.startswith(start)), NOTHING)
        headers.setdefault("Content-Security-Policy", policy)
        headers.setdefault("Permissions-Policy", PERMISSIONS)
        if seconds:
            headers.setdefault("Strict-Transport-Security", f"max-age={seconds}")
        return response

    return middleware
