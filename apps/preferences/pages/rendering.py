"""Rendering of people's pages: one look, no scripts, and a link's token kept secret."""

import secrets
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.preferences.pages.brand import DARK, LIGHT, brand
from apps.preferences.pages.languages import Language


def page(
    request: HttpRequest,
    language: Language,
    heading: str,
    text: str = "",
    *,
    template: str = "preferences/page.html",
    status: int = 200,
    **context: object,
) -> HttpResponse:
    """Return a page in a language. ``context`` is the template's; see its first lines."""
    nonce = secrets.token_urlsafe(16)
    company = brand()
    found = render(
        request,
        template,
        {
            **context,
            "brand": company,
            "language": language,
            "t": language.in_templates(),
            "light": LIGHT,
            "dark": DARK,
            "heading": heading,
            "text": text,
            "nonce": nonce,
        },
        status=status,
    )
    found.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src {_origin(company.logo)}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    found.headers["Content-Language"] = language.locale
    found.headers["Referrer-Policy"] = "no-referrer"  # the URL is the token
    found.headers["Cache-Control"] = "no-store"
    found.headers["X-Robots-Tag"] = "noindex"
    return found


def _origin(logo: str) -> str:
    """Return the source that a policy allows for the logo."""
    if not logo:
        return "'none'"
    parts = urlsplit(logo)
    return f"{parts.scheme}://{parts.netloc}"
