"""Who carries messages, whether they may be called, and the switch that holds theirs back."""

from typing import Any

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


def provider_rows(request: HttpRequest) -> list[dict[str, Any]]:
    """Every provider of this installation, whether it may be called, and what can be done."""
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
    """What can be done: held back, it can go on; left alone, it can be called again, too."""
    if breaker.state == PAUSED:
        return [RESUME]
    if breaker.state == "closed":
        return [PAUSE]
    return [CLOSE, BELIEVE, PAUSE] if breaker.doubted else [CLOSE, PAUSE]


def _warning(verb: str, breaker: Breaker) -> str:
    """Return the question to confirm an action with, empty where it needs none."""
    if verb == PAUSE:
        return f"Send nothing through {breaker.name} until somebody resumes it?"
    if verb == CLOSE:
        return f"Call {breaker.name} again now? What it still fails uses up attempts."
    if verb == BELIEVE:
        return f"Give up every address that {breaker.name} calls dead in the next hour?"
    return ""


def _state(breaker: Breaker) -> SafeString:
    said = [markup.badge(breaker.state), breaker.why, markup.moment(breaker.since)]
    return markup.lines(part for part in said if part)


@require_POST
def switch(request: HttpRequest, provider: str, verb: str) -> HttpResponse:
    """Hold a provider's messages back, let them go on, close its breaker, or believe it."""
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
            messages.success(request, f"{provider} goes on.")
        elif verb == BELIEVE:
            believe(provider)
            messages.warning(
                request, f"What {provider} calls dead in the next hour is given up, all of it."
            )
        else:
            close(provider)
            messages.success(
                request, f"{provider} is called again; its breaker opens anew if it still fails."
            )
        audit.record(request, verb, "provider", provider)
    return HttpResponseRedirect(reverse("admin:index"))
