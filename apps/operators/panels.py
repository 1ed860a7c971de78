"""Panels and buttons on the page of a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from apps.operators.theme import ModelAdmin


@dataclass(frozen=True, slots=True)
class Panel:
    """A box with a title. ``body`` is safe HTML."""

    title: str
    body: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """A button that calls ``do_<verb>`` of the row's admin.

    ``warning`` is a text to confirm first. ``asks`` is a question that the operator must answer;
    ``reason_of`` returns the answer. ``answer``: the HTML type of the field for it.
    """

    verb: str
    label: str
    tone: str = ""
    warning: str = ""
    asks: str = ""
    answer: str = "text"


#: Characters of a reason that an operator writes.
LONGEST_REASON = 150


def reason_of(request: HttpRequest) -> str:
    """Return the operator's answer to a button's question."""
    return request.POST.get("reason", "").strip()[:LONGEST_REASON]


class Panelled(ModelAdmin):
    """A ModelAdmin whose rows' pages have panels and buttons above their fields."""

    change_form_outer_before_template = "operators/panels.html"

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        """Return the panels of the row's page."""
        return ()

    def buttons(self, request: HttpRequest, row: Any) -> Sequence[Button]:
        """Return the buttons that this operator may press now; any other verb is refused."""
        return ()

    def unfinished(self, row: Any) -> bool:
        """Return whether the panels change by themselves, so that their page keeps them fresh."""
        return False

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        view = self.admin_site.admin_view(require_POST(self._do))
        return [path("<path:object_id>/do/<slug:verb>/", view, name=name), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        row = self.get_object(request, object_id) if object_id else None
        if row is not None and self.has_view_or_change_permission(request, row):
            context |= {
                "panels": self.panels(request, row),
                "buttons": self.buttons(request, row),
                "unfinished": self.unfinished(row),
            }
        return super().changeform_view(request, object_id, form_url, context)

    def _do(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        buttons = {button.verb: button for button in self.buttons(request, row)}
        if verb not in buttons:
            messages.warning(request, "That cannot be done now, or not by you.")
            return HttpResponseRedirect("../../change/")
        if buttons[verb].asks and not reason_of(request):
            said = "Say why: the reason is recorded with your name."
            messages.warning(request, said if buttons[verb].answer == "text" else "Fill it in.")
            return HttpResponseRedirect("../../change/")
        with transaction.atomic():
            answer = getattr(self, f"do_{verb}")(request, row)
        return answer or HttpResponseRedirect("../../change/")
