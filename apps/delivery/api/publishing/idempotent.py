"""The idempotency key of a request, and the response to what was accepted under it."""

from collections.abc import Callable

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api.negotiation import JSON
from apps.api.problems import Problem
from apps.core import tracing
from apps.core.tracing import Begun
from apps.delivery import traces
from apps.delivery.intake import idempotency
from apps.delivery.intake.idempotency import Answer, Key
from apps.publishers.api.caller import publisher_of


def idempotency_key(request: Request) -> str | None:
    """Read the request's idempotency key, or ``None``. Raises ``Problem`` where it is malformed."""
    named: set[str] = {
        request.META[name]
        for name in ("HTTP_IDEMPOTENCY_KEY", "HTTP_X_IDEMPOTENCY_KEY")
        if name in request.META
    }
    if not named:
        return None
    if len(named) > 1:
        raise Problem(
            "invalid-idempotency-key",
            "Idempotency-Key and X-Idempotency-Key differ. Send one of the headers.",
        )
    [key] = named
    if not idempotency.KEY.fullmatch(key):
        raise Problem(
            "invalid-idempotency-key",
            f"An Idempotency-Key has 1 to {idempotency.LONGEST_KEY} printable ASCII characters; "
            "a random UUID will do.",
        )
    return key


def fingerprinted(request: Request, key: str | None, *, body: bool = True) -> Key | None:
    """Return the request's idempotency key with the request's fingerprint, ``None`` for none.

    ``body``: whether the call takes one.
    """
    if key is None:
        return None
    posted = request.data if body else {}
    return Key(publisher_of(request).id, key, idempotency.fingerprint(request.path, posted))


def answered(commit: Callable[[], Answer], begun: Begun | None = None) -> HttpResponse:
    """Turn the answer of ``commit`` into a response. Raises ``Problem`` for a key that clashes.

    ``begun``: where the span of the acceptance goes, if the request is sampled.
    """
    since = tracing.now()
    try:
        answer = commit()
    except idempotency.KeyReused:
        raise Problem(
            "idempotency-mismatch",
            "This Idempotency-Key was used for a different request. Use a new key.",
        ) from None
    except idempotency.StillInFlight:
        raise Problem(
            "idempotency-in-flight",
            "The first request with this Idempotency-Key is still under way. Try again soon.",
            headers={"Retry-After": "1"},
        ) from None
    finally:
        if begun is not None:
            traces.record_acceptance(begun, since)
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return HttpResponse(answer.body, JSON, answer.status, headers=headers)
