"""Addresses lost to a provider's error: list them by error, to be restored together."""

from datetime import datetime, timedelta

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.core import clock
from apps.operators import markup
from apps.preferences.contacts import restoration

#: Permissions to see the page, and to restore.
SEEING = ("preferences.view_contact", "preferences.view_suppression")
#: Restoring lifts any number of suppressions at once, and makes dead letters to redrive.
RESTORING = (
    *("preferences.change_contact", "preferences.delete_suppression"),
    "delivery.change_deadletter",
)
#: The span that the page shows by default.
RECENT = timedelta(days=7)
_FORMAT = "%Y-%m-%dT%H:%M"


class Span(forms.Form):
    """A span of time in the admin's time zone."""

    since = forms.DateTimeField(required=False, input_formats=[_FORMAT, f"{_FORMAT}:%S"])
    until = forms.DateTimeField(required=False, input_formats=[_FORMAT, f"{_FORMAT}:%S"])


class Wanted(forms.Form):
    """Parameters of a Restore button: provider, error and the span that the page showed."""

    since = forms.DateTimeField()
    until = forms.DateTimeField()
    provider = forms.CharField(max_length=40)
    error = forms.CharField(max_length=100, required=False, strip=False)  # as it is stored


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """List the addresses lost in a span of time, a row for each provider's error."""
    if not request.user.has_perms(SEEING):
        raise PermissionDenied
    form = Span(request.GET)
    now = clock.moment()
    asked = form.cleaned_data if form.is_valid() else {}
    since, until = asked.get("since") or now - RECENT, asked.get("until")
    # Buttons send the times that the page means: without an end they would come to mean more.
    end = min(until or now, now)
    rows = [
        {
            "provider": row.provider,
            "error": row.error,
            "contacts": f"{row.contacts:,}",
            "suppressions": f"{row.suppressions:,}",
            "first": markup.moment(row.first),
            "last": markup.moment(row.last),
        }
        for row in restoration.summaries(since, end)
    ]
    context = {
        "title": "Lost addresses",
        "rows": rows,
        "problem": "" if form.is_valid() else "Write times as 2026-11-28T10:00.",
        "since": _written(since),
        "until": _written(until) if until else "",
        "shown": {"since": since.isoformat(), "until": end.isoformat()},
        "may_restore": request.user.has_perms(RESTORING),
    }
    return render(
        request, "delivery/lost_addresses.html", admin.site.each_context(request) | context
    )


def cause(request: HttpRequest) -> dict[str, str] | None:
    """Return the cause that a Restore button names, as JSON has it; ``None`` if it is none."""
    form = Wanted(request.POST)
    if not form.is_valid():
        return None
    values = form.cleaned_data
    times = {name: values[name].isoformat() for name in ("since", "until")}
    return {"provider": values["provider"], "error": values["error"], **times}


def _written(moment: datetime) -> str:
    return timezone.localtime(moment).strftime(_FORMAT)
