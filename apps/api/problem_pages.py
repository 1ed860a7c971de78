"""The pages that a problem's ``type`` links to: what it means and what to do about it."""

import re
import secrets
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.api.problems import TYPES, allow

#: A row of the table in ``docs/problems.md``: type, status, title, what to do.
_ROW = re.compile(r"^\| `/problems/([a-z-]+)` \| \d{3} \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


@allow("GET", "HEAD")
def index(request: HttpRequest) -> HttpResponse:
    """Render all problem types."""
    return _page(request, "Problems", list(TYPES))


@allow("GET", "HEAD")
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Render one problem type. Raises ``Http404`` if there is none of this name."""
    if name not in TYPES:
        raise Http404
    return _page(request, TYPES[name].title, [name])


def _page(request: HttpRequest, heading: str, names: list[str]) -> HttpResponse:
    nonce = secrets.token_urlsafe(16)
    rows = [(name, TYPES[name], remedies().get(name, "")) for name in names]
    context = {"heading": heading, "rows": rows, "one": len(rows) == 1, "nonce": nonce}
    answer = render(request, "publishers/problems.html", context)
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return answer


@cache
def remedies() -> dict[str, SafeString]:
    """Return what to do about each type, from ``docs/problems.md``, as HTML."""
    text = (settings.BASE_DIR / "docs" / "problems.md").read_text(encoding="utf-8")
    return {name: _html(remedy) for name, remedy in _ROW.findall(text)}


def _html(markdown: str) -> SafeString:
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(markdown)))
