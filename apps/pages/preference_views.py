"""The page of preferences: what a person gets, where, and why."""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apps.pages import changes, sections
from apps.pages.sections import Section
from apps.pages.sections.base import NotSaved
from apps.pages.views import PersonPage
from apps.pages.visitors import Visitor
from apps.preferences.pages.rendering import page

#: Values of ``?done=``, and the text about each.
_DONE = {"saved": "preferences.saved", "left": "preferences.left"}


class PreferencePage(PersonPage):
    """Choosing. A POST that neither saves nor leaves changes nothing."""

    def show(self, request: HttpRequest, visitor: Visitor) -> HttpResponse:
        done = _DONE.get(request.GET.get("done", ""))
        return _page(request, visitor, done=visitor.language(done) if done else "")

    def change(self, request: HttpRequest, visitor: Visitor) -> HttpResponse:
        if request.POST.get("leave") == "everything":
            changes.leave_everything(request, visitor)
            return _back("left")
        if request.POST.get("save") == "yes":
            try:
                with transaction.atomic():
                    for section in sections.FORM:
                        section.save(request, visitor, request.POST)
            except NotSaved as error:
                return _page(request, visitor, wrong=visitor.language(error.key), status=400)
            return _back("saved")
        return self.show(request, visitor)


def _page(
    request: HttpRequest, visitor: Visitor, *, done: str = "", wrong: str = "", status: int = 200
) -> HttpResponse:
    """Return the page. ``done`` and ``wrong``: what became of the form before."""
    text = visitor.language
    person = visitor.recipient is not None
    return page(
        request,
        text,
        text("preferences.title"),
        template="pages/preferences.html",
        status=status,
        done=done,
        wrong=wrong,
        form=_shown(sections.FORM, visitor),
        below=_shown(sections.BELOW, visitor),
        leaving=text("preferences.leave.text" if person else "preferences.leave.endpoint"),
    )


def _shown(those: Iterable[Section], visitor: Visitor) -> list[Mapping[str, object]]:
    """Return the sections that have something to show, each with its template."""
    contexts = ((one.name, one.context(visitor)) for one in those)
    return [
        {"name": name, "template": f"pages/section_{name}.html", **context}
        for name, context in contexts
        if context is not None
    ]


def _back(done: str) -> HttpResponse:
    """Send the browser back to the page, so that reloading it posts nothing.

    The URL is relative: a proxy may have more before the path than the request shows.
    """
    found = HttpResponseRedirect(f"?done={done}")
    found.status_code = 303
    return found
