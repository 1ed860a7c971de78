"""Providers with their breakers: pause, resume, close and believe."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from apps.delivery.flow import provider_pauses
from apps.delivery.flow.breakers import PAUSED, Breaker, believe, breakers, close
from apps.operators import markup
from apps.publishers import audit

PAUSE, RESUME, CLOSE, BELIEVE = "pause", "resume", "close", "believe"
PERMISSION = "delivery.change_providerswitch"


def provider_rows(request: HttpRequest) -> list[dict[str, object]]:
    """Build a row for each provider: its breaker's state and the actions on it."""
    may = request.user.has_perm(PERMISSION)
    return [
        {
            "name": breaker.name,
            "channel": breaker.channel,
            "state": _state(breaker),
            "verbs": [(verb, _warning(verb, breaker)) for verb in _verbs(breaker)] if may else [],
        }
        for breaker in breakers()
    ]


def _verbs(breaker: Breaker) -> list[str]:
    """Return the actions that a breaker's state allows."""
    if breaker.state == PAUSED:
        return [RESUME]
    if breaker.state == "closed":
        return [PAUSE]
    return [CLOSE, BELIEVE, PAUSE] if breaker.guarded else [CLOSE, PAUSE]


def _warning(verb: str, breaker: Breaker) -> str:
    """Return the question to confirm an action with, empty where it needs none."""
    if verb == PAUSE:
        return f"Send nothing through {breaker.name} until somebody resumes it?"
    if verb == CLOSE:
        return f"Call {breaker.name} again now? Messages that still fail use up attempts."
    if verb == BELIEVE:
        return f"Give up every address that {breaker.name} calls dead in the next hour?"
    return ""


def _state(breaker: Breaker) -> SafeString:
    parts = [markup.badge(breaker.state), breaker.why, markup.moment(breaker.since)]
    return markup.lines(part for part in parts if part)


@require_POST
def switch(request: HttpRequest, provider: str, verb: str) -> HttpResponse:
    """Pause or resume a provider, close its breaker, or believe its reports of dead addresses."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    if provider not in settings.PROVIDERS or verb not in (PAUSE, RESUME, CLOSE, BELIEVE):
        raise Http404
    with transaction.atomic():
        if verb == PAUSE:
            provider_pauses.pause(provider)
            messages.warning(request, f"Nothing is sent through {provider} until it is resumed.")
        elif verb == RESUME:
            provider_pauses.resume(provider)
            messages.success(request, f"{provider} is resumed.")
        elif verb == BELIEVE:
            believe(provider)
            messages.warning(
                request, f"Every address that {provider} calls dead in the next hour is given up."
            )
        else:
            close(provider)
            messages.success(
                request, f"{provider} is called again; its breaker opens anew if it still fails."
            )
        audit.record(request, verb, "provider", provider)
    return HttpResponseRedirect(reverse("admin:index"))
