"""Headers that tell browsers what our pages may do."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Answers that are no pages: nothing in them is to be run or shown in a frame.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#: The admin. Its theme's Alpine evaluates the expressions in its own markup, and writes its colours
#: as styles; scripts come from our files alone, never from markup.
ADMIN = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: The API's page, which swagger-ui draws.
DOCS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_OF_PATHS = (("/admin/", ADMIN), ("/v1/docs", DOCS))


def security_headers(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that adds what Django's own does not, unless the view has set it.

    HSTS goes with every answer where ``NOTIFIER_PUBLIC_URL`` is https: whatever ends TLS passes it
    on, and browsers do not believe it elsewhere (RFC 6797, section 8.1).
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
