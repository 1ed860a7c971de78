"""Bearer authentication (RFC 6750): read the ``Authorization`` header, build its 401 problems."""

from rest_framework.request import Request

from apps.api.problems import Problem

_MISSING = ("missing-key", "missing-token")


def read_bearer(request: Request) -> str | None:
    """Return a request's credentials as ``bearer`` does."""
    # ``request.headers`` would copy every header.
    return bearer(request.META.get("HTTP_AUTHORIZATION", ""))


def bearer(authorization: str) -> str | None:
    """Return a header's credentials: empty for another scheme, ``None`` without a header."""
    scheme, _, text = authorization.partition(" ")
    if not scheme:
        return None
    return text.strip() if scheme.lower() == "bearer" else ""


def unauthorized(type: str, detail: str) -> Problem:
    """Return a 401 problem with the ``WWW-Authenticate`` challenge of its type."""
    error = "" if type in _MISSING else ' error="invalid_token"'  # RFC 6750, section 3
    return Problem(type, detail, headers={"WWW-Authenticate": f"Bearer{error}"})
