"""Who carries messages, and the switch that holds a provider's back."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.delivery.models import ProviderSwitch
from apps.publishers import audit
from apps.publishers.operators import markup

PAUSE, RESUME = "pause", "resume"
PERMISSION = "delivery.change_providerswitch"


def provider_rows(request: HttpRequest) -> list[dict[str, Any]]:
    """Every provider of this installation, whether it may be called, and what can be done."""
    paused = dict(ProviderSwitch.objects.values_list("provider", "paused_at"))
    may = request.user.has_perm(PERMISSION)
    return [
        {
            "name": name,
            "channel": entry["channel"],
            "state": _state(name, paused),
            "verb": (RESUME if name in paused else PAUSE) if may else "",
        }
        for name, entry in settings.PROVIDERS.items()
    ]


def _state(name: str, paused: dict[str, Any]) -> str:
    if name in paused:
        return markup.lines([markup.badge("paused"), markup.moment(paused[name])])
    return markup.badge("closed")


@require_POST
def switch(request: HttpRequest, provider: str, verb: str) -> HttpResponse:
    """Hold a provider's messages back, or let them go on."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    if provider not in settings.PROVIDERS or verb not in (PAUSE, RESUME):
        raise Http404
    with transaction.atomic():
        if verb == PAUSE:
            ProviderSwitch.objects.get_or_create(
                provider=provider, defaults={"paused_at": timezone.now()}
            )
            messages.warning(request, f"Nothing is sent through {provider} until it is resumed.")
        else:
            ProviderSwitch.objects.filter(provider=provider).delete()
            messages.success(request, f"{provider} goes on.")
        audit.record(request, verb, "provider", provider)
    return HttpResponseRedirect(reverse("admin:index"))
