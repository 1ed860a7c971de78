"""Addresses lost to a provider's error: list them by error, and restore them."""

from datetime import datetime, timedelta

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.delivery.flow import lost_addresses
from apps.operators import markup
from apps.preferences.contacts import restoration
from apps.preferences.contacts.restoration import Cause
from apps.publishers import audit

#: Permissions to see the page, and to restore.
SEEING = ("preferences.view_contact", "preferences.view_suppression")
RESTORING = ("preferences.change_contact", "preferences.delete_suppression")
#: The span that the page shows by default.
RECENT = timedelta(days=7)
_FORMAT = "%Y-%m-%dT%H:%M"


class Span(forms.Form):
    """A span of time in the admin's time zone."""

    since = forms.DateTimeField(required=False, input_formats=[_FORMAT, f"{_FORMAT}:%S"])
    until = forms.DateTimeField(required=False, input_formats=[_FORMAT, f"{_FORMAT}:%S"])


class Wanted(Span):
    """Parameters of a Restore button: provider, error and span of time."""

    provider = forms.CharField(max_length=40)
    error = forms.CharField(max_length=100, required=False, strip=False)  # as it is stored


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """List the addresses lost in a span of time, a row for each provider's error."""
    if not request.user.has_perms(SEEING):
        raise PermissionDenied
    form = Span(request.GET)
    since, until = _span(form) if form.is_valid() else (clock.moment() - RECENT, None)
    found = restoration.summaries(since, until) if until else restoration.summaries(since)
    rows = [
        {
            "provider": row.provider,
            "error": row.error,
            "contacts": f"{row.contacts:,}",
            "suppressions": f"{row.suppressions:,}",
            "first": markup.moment(row.first),
            "last": markup.moment(row.last),
        }
        for row in found
    ]
    context = {
        "title": "Lost addresses",
        "rows": rows,
        "problem": "" if form.is_valid() else "Write times as 2026-11-28T10:00.",
        "since": _written(since),
        "until": _written(until) if until else "",
        "may_restore": request.user.has_perms(RESTORING),
    }
    return render(
        request, "delivery/lost_addresses.html", admin.site.each_context(request) | context
    )


@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    """Enable the contacts and lift the suppressions that an error caused in a span of time."""
    if not request.user.has_perms(RESTORING):
        raise PermissionDenied
    form = Wanted(request.POST)
    here = reverse("admin:lost_addresses")
    if not form.is_valid():
        messages.error(request, "Nothing was restored: give a provider and a start.")
        return HttpResponseRedirect(here)
    since, until = _span(form)
    cause = Cause(form.cleaned_data["provider"], form.cleaned_data["error"], since)
    if until is not None:
        cause = Cause(cause.provider, cause.error, since, until)
    audited = {"error": cause.error, "since": since.isoformat(), "until": cause.until.isoformat()}
    audit.record(request, "restore", "lost_addresses", cause.provider, after=audited)
    done = lost_addresses.restore(cause)
    messages.success(
        request,
        f"{done.contacts:,} contacts are enabled, {done.suppressions:,} suppressions lifted. "
        f"{done.dead_letters:,} deliveries that failed for it are dead letters now: redrive them.",
    )
    return HttpResponseRedirect(here)


def _span(form: forms.Form) -> tuple[datetime, datetime | None]:
    since = form.cleaned_data.get("since") or clock.moment() - RECENT
    return since, form.cleaned_data.get("until")


def _written(moment: datetime) -> str:
    return timezone.localtime(moment).strftime(_FORMAT)
