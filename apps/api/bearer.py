"""``Authorization: Bearer …`` (RFC 6750): reading it, and refusing what came in it."""

from rest_framework.request import Request

from apps.api.problems import Problem

_MISSING = ("missing-key", "missing-token")


def read_bearer(request: Request) -> str | None:
    """What the header carries, empty where it is of another scheme; ``None`` without a header."""
    # DRF's way to it copies all headers.
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not scheme:
        return None
    return text.strip() if scheme.lower() == "bearer" else ""


def refused(type: str, detail: str) -> Problem:
    """A 401 with the challenge that belongs to it."""
    error = "" if type in _MISSING else ' error="invalid_token"'  # RFC 6750, section 3
    return Problem(type, detail, headers={"WWW-Authenticate": f"Bearer{error}"})
