"""Errors: every error response of the API is an RFC 9457 problem."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import resolve
from django.utils.encoding import escape_uri_path, iri_to_uri
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core import request_ids
from apps.core.database_errors import AWAY
from notifier.transport.json_pointer import escaped

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]

CONTENT_TYPE = "application/problem+json"
#: The code of a validation error about an unknown field.
UNKNOWN_FIELD = "unknown_field"
#: Errors that one response lists; ``error_count`` has their number if there are more.
MOST_ERRORS = 100
#: Characters of a pointer and of a sentence: both may repeat names from the request.
LONGEST_POINTER, LONGEST_SENTENCE = 500, 2_000


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of error: its HTTP status, and a title that is the same for every occurrence."""

    status: int
    title: str


#: Every problem type by the last segment of its URI. ``docs/problems.md`` explains each.
TYPES = {
    "malformed-json": ProblemType(400, "The body is not JSON"),
    "invalid-request": ProblemType(400, "The request is not valid"),
    "unknown-field": ProblemType(400, "The request has fields that do not exist"),
    "unknown-recipient": ProblemType(400, "No such recipient"),
    "unknown-topic": ProblemType(400, "No such topic"),
    "unknown-template": ProblemType(400, "No such template"),
    "unknown-category": ProblemType(400, "No such category"),
    "invalid-cursor": ProblemType(400, "The cursor is not one of this list's"),
    "invalid-idempotency-key": ProblemType(400, "The idempotency key is not usable"),
    "invalid-confirmation": ProblemType(400, "Not a confirmation that we sent"),
    "missing-key": ProblemType(401, "No API key"),
    "invalid-key": ProblemType(401, "Not a valid API key"),
    "expired-key": ProblemType(401, "The API key has expired"),
    "revoked-key": ProblemType(401, "The API key was revoked"),
    "missing-token": ProblemType(401, "No token"),
    "invalid-token": ProblemType(401, "Not a valid token"),
    "expired-token": ProblemType(401, "The token has expired"),
    "inactive-publisher": ProblemType(403, "The publisher is switched off"),
    "missing-scope": ProblemType(403, "The API key lacks a scope"),
    "protected": ProblemType(403, "Only the person or an operator may do this"),
    "forbidden": ProblemType(403, "Not allowed"),
    "invalid-signature": ProblemType(403, "Not a valid signature"),
    "not-found": ProblemType(404, "Not found"),
    "method-not-allowed": ProblemType(405, "Method not allowed"),
    "not-acceptable": ProblemType(406, "Not acceptable"),
    "request-timeout": ProblemType(408, "The request did not come in time"),
    "topic-exists": ProblemType(409, "The topic exists"),
    "template-exists": ProblemType(409, "The template exists"),
    "schedule-exists": ProblemType(409, "The schedule exists"),
    "too-many-contacts": ProblemType(409, "The recipient has as many addresses as they may"),
    "conflict": ProblemType(409, "The change contradicts the present state"),
    "idempotency-in-flight": ProblemType(409, "The first request with this key is not done"),
    "expired-confirmation": ProblemType(410, "The confirmation has expired"),
    "content-gone": ProblemType(410, "The content is deleted"),
    "length-required": ProblemType(411, "The body's length is missing"),
    "payload-too-large": ProblemType(413, "The payload is too large"),
    "uri-too-long": ProblemType(414, "The URL is too long"),
    "unsupported-media-type": ProblemType(415, "Unsupported media type"),
    "expectation-failed": ProblemType(417, "The expectation cannot be met"),
    "idempotency-mismatch": ProblemType(422, "The idempotency key was used for another request"),
    "no-provider": ProblemType(422, "Nothing can be sent on that channel"),
    "rate-limited": ProblemType(429, "Too many requests"),
    "quota-exceeded": ProblemType(429, "The day's quota is used up"),
    "headers-too-large": ProblemType(431, "The headers are too large"),
    "internal-error": ProblemType(500, "Something went wrong here"),
    "unsupported-coding": ProblemType(501, "The transfer coding is not supported"),
    "overloaded": ProblemType(503, "Too much is waiting"),
    "unavailable": ProblemType(503, "Temporarily unavailable"),
}
#: The problem type for an HTTP status that DRF chose.
_BY_STATUS = {
    400: "invalid-request",
    403: "forbidden",
    404: "not-found",
    406: "not-acceptable",
}


class Problem(exceptions.APIException):
    """An error response: raise it in a view, or use ``body`` for one item of a bulk call.

    ``type`` is a key of ``TYPES``. ``detail`` is a sentence that says what to do. ``errors`` are
    ``{"pointer": JSON pointer into the body, "detail": sentence}``; the first ``MOST_ERRORS`` are
    kept. ``error_count`` is their number where ``errors`` are not all of them. ``headers`` go into
    the response (``Retry-After``). Any other keyword becomes a member of the problem; a list among
    them is cut to the length of ``errors``.
    """

    def __init__(
        self,
        type: str,
        detail: str,
        *,
        errors: Collection[Mapping[str, str]] = (),
        error_count: int | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail, code=type)
        self.type = type
        self.status_code = TYPES[type].status
        self.sentence = _shown(detail, LONGEST_SENTENCE)
        self.error_count = len(errors) if error_count is None else error_count
        self.errors = [_bounded(error) for error in islice(errors, MOST_ERRORS)]
        self.headers = dict(headers or {})
        self.members = members

    def body(self) -> dict[str, Any]:
        """Return the problem details object.

        A fault of ours names the request, by which operators find it in the logs.
        """
        found = {
            "type": f"/problems/{self.type}",
            "title": TYPES[self.type].title,
            "status": self.status_code,
            "detail": self.sentence,
            **self.members,
        }
        if self.errors:
            found["errors"] = self.errors
        if self.error_count > len(self.errors):
            found["error_count"] = self.error_count
        if self.status_code >= 500 and (ids := request_ids.current.get()) is not None:
            found["request_id"] = ids.request_id
        return found

    def response(self) -> Response:
        """Return a response for DRF to render."""
        return Response(
            self.body(),
            status=self.status_code,
            headers=self.headers,
            content_type=CONTENT_TYPE,
        )


class ErrorList:
    """A budget of ``MOST_ERRORS`` errors for all results of one bulk response.

    Beyond it a failed item keeps its problem, with a sentence and a count but without ``errors``.
    """

    def __init__(self) -> None:
        self._left = MOST_ERRORS

    def shorten(self, problem: Problem) -> Problem:
        """Cut the problem's errors to what is left of the budget, and return it.

        Its traceback goes, too: the frames hold the whole request and the list of problems.
        """
        problem.__traceback__ = problem.__context__ = None
        kept = problem.errors[: self._left]
        self._left -= len(kept)
        if len(kept) < len(problem.errors):
            problem.members = {
                name: value[: len(kept)] if isinstance(value, list) else value
                for name, value in problem.members.items()
            }
        problem.errors = kept
        return problem


def _bounded(error: Mapping[str, str]) -> dict[str, str]:
    bounds = {"pointer": LONGEST_POINTER}
    return {name: _shown(text, bounds.get(name, LONGEST_SENTENCE)) for name, text in error.items()}


def _shown(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Handle an exception for DRF. Returns ``None``, so that DRF reraises it, if unexpected."""
    problem = as_problem(error)
    return None if problem is None else problem.response()


def as_problem(error: Exception) -> Problem | None:
    """Return the problem for an exception, ``None`` for an unexpected one."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        return validation_problem(error)
    if isinstance(error, Http404):
        return Problem("not-found", str(error) or "There is nothing here. Check the URL.")
    if isinstance(error, AWAY):
        log.warning("the database did not answer: %s", type(error).__name__)
        return Problem(
            "unavailable",
            "The database does not answer. Send the same request again in a moment.",
            headers={"Retry-After": "2"},
        )
    if isinstance(error, exceptions.MethodNotAllowed):
        return Problem("method-not-allowed", f"{error.detail} The header Allow lists what works.")
    if isinstance(error, exceptions.UnsupportedMediaType):
        return Problem("unsupported-media-type", "Send JSON with Content-Type: application/json.")
    if isinstance(error, exceptions.NotAcceptable):
        return Problem("not-acceptable", "The answer is JSON: send Accept: application/json.")
    if isinstance(error, exceptions.APIException):
        return Problem(_BY_STATUS.get(error.status_code, "internal-error"), str(error.detail))
    return None


def validation_problem(error: exceptions.ValidationError, at: str = "") -> Problem:
    """Return the problem for a validation error, with a JSON pointer to every invalid field.

    ``at`` is put before each pointer.
    """
    count, unknown, errors = 0, True, []
    for pointer, detail in _pointed(error.detail, at):
        count += 1
        unknown = unknown and detail.code == UNKNOWN_FIELD
        if count <= MOST_ERRORS:
            errors.append({"pointer": pointer, "detail": str(detail)})
    first = errors[0]
    where = f"{_shown(first['pointer'], LONGEST_POINTER)}: " if first["pointer"] else ""
    more = f" ({count - 1} more in errors)" if count > 1 else ""
    return Problem(
        "unknown-field" if unknown else "invalid-request",
        f"{where}{first['detail']}{more}",
        errors=errors,
        error_count=count,
    )


def _pointed(detail: Any, at: str) -> Iterable[tuple[str, exceptions.ErrorDetail]]:
    """Flatten DRF's nested errors into pairs of a JSON pointer and an error."""
    if isinstance(detail, Mapping):
        for field, inner in detail.items():
            whole = field == "non_field_errors"
            yield from _pointed(inner, at if whole else f"{at}/{escaped(str(field))}")
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            # A list field reports the errors of its items by position, its own as plain text.
            nested = isinstance(inner, (Mapping, list))
            if inner:
                yield from _pointed(inner, f"{at}/{position}" if nested else at)
    else:
        yield at, detail


# -- Responses of Django's views and of the server, outside DRF -------------------------------


def http_response(problem: Problem) -> HttpResponse:
    """Return the problem as a response of Django's."""
    return JsonResponse(
        problem.body(),
        status=problem.status_code,
        headers=problem.headers,
        content_type=CONTENT_TYPE,
    )


@csrf_exempt
def unknown_path(request: HttpRequest, **_: object) -> HttpResponse:
    """Respond to a path under /v1 that does not exist, with a suggestion where one is close."""
    meant = _suggestion(request.path_info)
    if meant is not None:
        detail = f"There is nothing at this path. Did you mean {meant}?"
    else:
        detail = (
            "There is nothing at this path. /v1/docs lists what there is; "
            "a user_id or a name in a path cannot contain a slash."
        )
    return http_response(Problem("not-found", detail))


def _suggestion(path: str) -> str | None:
    """Return the existing path that differs only in slashes, case or a missing /v1."""
    parts = [part for part in path.split("/") if part]
    if parts and parts[0].lower() == "v1":
        parts = parts[1:]
    if not parts:
        return "/v1/docs"
    for first in (parts[0], parts[0].lower()):
        meant = "/".join(["/v1", first, *parts[1:]])
        found = resolve(meant)  # an unknown path resolves to ``unknown_path``
        if found.func is not unknown_path and meant != path:
            return iri_to_uri(escape_uri_path(meant))
    return None


def allow(*methods: str) -> Callable[[View], View]:
    """Restrict a Django view to these methods; any other gets a 405 problem."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def allowed(request: HttpRequest, *args: object, **options: object) -> HttpResponseBase:
            if request.method in methods:
                return view(request, *args, **options)
            return http_response(not_allowed(request.method, methods))

        return allowed

    return decorate


def not_allowed(method: str | None, methods: Iterable[str]) -> Problem:
    """Return the 405 problem for a method that a path does not have."""
    return Problem(
        "method-not-allowed",
        f"There is no {method} at this path. The header Allow lists what there is.",
        headers={"Allow": ", ".join(methods)},
    )


#: The problem type for a request that Gunicorn refused, by the HTTP status it chose.
_BY_SERVER_STATUS = {
    400: "invalid-request",
    403: "forbidden",
    408: "request-timeout",
    414: "uri-too-long",
    417: "expectation-failed",
    431: "headers-too-large",
    501: "unsupported-coding",
}


def server_problem(status: int, message: str) -> Problem:
    """Return the problem for a request that Gunicorn refused; ``message`` is its reason."""
    name = _BY_SERVER_STATUS.get(status)
    if name is None:
        return _internal_error()
    return Problem(name, f"This request is not well formed: {message[:200]}")


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to a request that Django refused, such as one for an unknown host."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, DisallowedHost):
        detail = "This service does not answer to this Host. Use the host name that its operators "
        detail += "gave you; they name it in NOTIFIER_ALLOWED_HOSTS."
        return http_response(Problem("invalid-request", detail))
    return http_response(
        Problem("invalid-request", "The request's headers or URL are not acceptable.")
    )


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to a path that does not exist."""
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return unknown_path(request)


def handler500(request: HttpRequest) -> HttpResponse:
    """Respond to an unexpected exception, which Django has logged."""
    if not _is_api(request):
        return defaults.server_error(request)
    return http_response(_internal_error())


def _internal_error() -> Problem:
    return Problem(
        "internal-error",
        "This is our mistake. Send the same request again with the same Idempotency-Key; "
        "if it fails again, tell the operators the request_id.",
    )


def _is_api(request: HttpRequest) -> bool:
    """Return whether to respond with a problem: under /v1, and where the client asks for JSON."""
    first = next((part for part in request.path_info.split("/") if part), "")
    accept = request.META.get("HTTP_ACCEPT", "")
    return first.lower() == "v1" or ("json" in accept and "text/html" not in accept)
