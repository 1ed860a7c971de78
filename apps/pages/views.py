"""The base of every page: its visitor, its limits, and what it says of a dead link."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from apps.api.problems import http_response, not_allowed
from apps.pages import limits, visitors
from apps.pages.limits import TooOften
from apps.pages.visitors import EndedLink, Visitor
from apps.preferences.links import DeadLink, ExpiredLink
from apps.preferences.pages.languages import Language, language
from apps.preferences.pages.rendering import page

#: The first part of the keys of a page's texts, and its status.
_DEAD = {ExpiredLink: ("link.expired", 410), EndedLink: ("link.ended", 410)}
_FORGED = ("link.forged", 404)


# No other site knows the token, and mail programs that leave for a person have no cookies.
@method_decorator(csrf_exempt, name="dispatch")
class PersonPage(View):
    """A page that the token in its path opens. A GET changes nothing: scanners follow links."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._opened(request, token, changing=False)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._opened(request, token, changing=True)

    def http_method_not_allowed(
        self, request: HttpRequest, *_: object, **__: object
    ) -> HttpResponse:
        methods = cast(Any, self)._allowed_methods()  # Django's type hints leave it out
        return http_response(not_allowed(request.method, methods))

    def show(self, request: HttpRequest, visitor: Visitor) -> HttpResponse:
        """Return the page."""
        raise NotImplementedError

    def change(self, request: HttpRequest, visitor: Visitor) -> HttpResponse:
        """Do what the form says; one that says nothing is as a GET."""
        raise NotImplementedError

    def dead(self, request: HttpRequest, error: DeadLink) -> HttpResponse:
        """Say why a link opens nothing."""
        key, status = _DEAD.get(type(error), _FORGED)
        return _plain(request, language("", request), key, status)

    def _opened(self, request: HttpRequest, token: str, *, changing: bool) -> HttpResponse:
        request.encoding = "utf-8"  # some mail programs name another, of which Django reads no form
        try:
            visitor = visitors.visitor(request, token)
            limits.count(visitor.name, changing=changing)
        except DeadLink as error:
            return self.dead(request, error)
        except TooOften:
            found = _plain(request, visitor.language, "link.often", 429)
            found.headers["Retry-After"] = str(limits.WINDOW)
            return found
        return self.change(request, visitor) if changing else self.show(request, visitor)


def _plain(request: HttpRequest, text: Language, key: str, status: int) -> HttpResponse:
    return page(request, text, text(f"{key}.title"), text(f"{key}.text"), status=status)
