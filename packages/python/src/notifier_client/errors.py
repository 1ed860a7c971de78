"""Errors of the client."""

from collections.abc import Mapping
from typing import Any


class NotifierError(Exception):
    """A call that did not succeed.

    - ``status``: the HTTP status, ``None`` where there was no answer.
    - ``type``: the last part of the problem's URI (RFC 9457), the name to branch on.
    - ``detail``: a sentence that says what to do.
    - ``errors``: one mapping for each wrong field, with ``pointer`` (JSON pointer into the request)
      and ``detail``.
    - ``problem``: the whole answer.
    - ``retry_after``: seconds that the service asked to wait, or ``None``.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        type: str = "",
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.type = type
        self.problem: Mapping[str, Any] = problem or {}
        errors = self.problem.get("errors")
        self.errors: list[dict[str, str]] = [
            one for one in (errors if isinstance(errors, list) else ()) if isinstance(one, dict)
        ]
        self.retry_after = retry_after


class AuthenticationError(NotifierError):
    """401: the API key is missing, wrong, expired or revoked."""


class NotAllowed(NotifierError):
    """403: the key lacks a scope, or the topic is another publisher's."""


class NotFound(NotifierError):
    """404: no such topic, recipient or notification, or none that this publisher may see."""


class InvalidRequest(NotifierError):
    """400, 413, 422 and other 4xx: the request is invalid; ``errors`` name the fields."""


class Conflict(NotifierError):
    """409: the request conflicts with what exists, such as a topic of the same name."""


class RateLimited(NotifierError):
    """429, and the wait would exceed ``retry_for``. ``retry_after``: seconds."""


class Unavailable(NotifierError):
    """5xx: the service failed or is down, and did not recover within ``retry_for``."""


class ConnectionFailed(NotifierError):
    """No answer came within ``retry_for``: no connection was made, or it broke."""


class StillSending(NotifierError, TimeoutError):
    """``wait`` reached its timeout; the notification is still being sent."""


_BY_STATUS: dict[int, type[NotifierError]] = {
    401: AuthenticationError,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def from_problem(
    status: int, problem: Mapping[str, Any], retry_after: float | None = None
) -> NotifierError:
    """Return the error for an answer of ``status`` with this problem details object."""
    if status >= 500:
        kind: type[NotifierError] = Unavailable
    elif status >= 400:
        kind = _BY_STATUS.get(status, InvalidRequest)
    else:  # a redirect, never followed: a POST would become a GET, and another host get the key
        kind = NotifierError
    return kind(
        str(problem.get("detail") or f"The service answered {status}; check its base URL."),
        status=status,
        type=str(problem.get("type", "")).rpartition("/")[2],
        problem=problem,
        retry_after=retry_after,
    )
