"""The admin page of deliveries that are held after a restore: list, release or cancel them."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.delivery.holding import ending, selection
from apps.delivery.holding.selection import Filter
from apps.operators import markup
from apps.publishers import audit

#: Permissions to see the page, and to release or cancel.
SEEING = "delivery.view_delivery"
ENDING = ("delivery.change_notification", "delivery.change_deadletter")
#: Seconds for which one press works.
LONGEST = 20.0
_NAMES = ("channel", "category", "publisher")


class Wanted(forms.Form):
    """The filter of the page: hours since acceptance, and names."""

    hours = forms.FloatField(required=False, min_value=0, max_value=100_000)
    channel = forms.CharField(required=False, max_length=20)
    category = forms.CharField(required=False, max_length=100)
    publisher = forms.CharField(required=False, max_length=200)

    def filter(self) -> Filter:
        """Return the criteria that are filled in; what was accepted later than now is none."""
        before = clock.moment() - timedelta(hours=self.cleaned_data["hours"] or 0)
        return Filter(before, *(self.cleaned_data[name] or None for name in _NAMES))


class Listed(Wanted):
    """The filter of a page's list, as its buttons send it.

    ``accepted_before`` is the time that the page's hours meant: while it is open they come to mean
    more. Without a filter, ``all`` has to be ticked.
    """

    accepted_before = forms.DateTimeField()
    all = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and values["accepted_before"] > clock.moment():
            raise forms.ValidationError("The page is from the future: load it again.")
        if not self.errors and not (values["all"] or _is_filtered(self)):
            raise forms.ValidationError("Tick that everything is meant, or filter what is listed.")
        return values

    def filter(self) -> Filter:
        """Return the criteria of what was listed."""
        values = self.cleaned_data
        return Filter(values["accepted_before"], *(values[name] or None for name in _NAMES))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """List what is held, a row for each publisher, channel and category."""
    if not request.user.has_perm(SEEING):
        raise PermissionDenied
    form = Wanted(request.GET)
    valid = form.is_valid()
    wanted = form.filter() if valid else Filter()
    groups = selection.groups(wanted) if valid else []
    context: dict[str, Any] = {
        "title": "Held after a restore",
        "rows": [
            group._asdict()
            | {
                "number": f"{group.number:,}",
                "oldest": markup.moment(group.oldest),
                "newest": markup.moment(group.newest),
            }
            for group in groups
        ],
        "problem": "" if valid else "Write hours as a number, such as 1.5.",
        "form": form,
        "number": f"{sum(group.number for group in groups):,}",
        "accepted_before": wanted.accepted_before and wanted.accepted_before.isoformat(),
        "filtered": valid and _is_filtered(form),
        "may_end": request.user.has_perms(ENDING),
    }
    return render(request, "delivery/held.html", admin.site.each_context(request) | context)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Release or cancel what the filter matches."""
    if not request.user.has_perms(ENDING):
        raise PermissionDenied
    form, action = Listed(request.POST), request.POST.get("action")
    here = HttpResponseRedirect(reverse("admin:held"))
    if not form.is_valid() or action not in ("release", "cancel"):
        said = " ".join(map(str, form.non_field_errors())) or "Load the page again."
        messages.error(request, f"Nothing was done. {said}")
        return here
    wanted = form.filter()
    with transaction.atomic():
        audit.record(request, action, "held_work", "held", after=wanted.shown())
    ended = (ending.release if action == "release" else ending.cancel)(wanted, LONGEST)
    done = "released" if action == "release" else "cancelled"
    messages.success(
        request,
        f"{ended.deliveries:,} deliveries are {done}, and {ended.chunks:,} parts of audiences "
        f"whose deliveries were not made yet.{' There are more: go on.' if ended.more else ''}",
    )
    return here


def _is_filtered(form: forms.Form) -> bool:
    """Return whether anything but all is wanted."""
    return any(form.cleaned_data[name] for name in ("hours", *_NAMES))  # 0 hours are all
