"""Links in messages, and the pages that they open."""

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

LINK = r"https://notify\.example\.com/v1/(unsubscribe|preferences)/[A-Za-z0-9_-]+"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
#: Names of fields, and values of boxes.
Pairs = Iterable[tuple[str, str]]
OFFERS = {"title": "Socks", "body": "Half price."}


def promotional(shop: Any, name: str = "offers", **fields: Any) -> None:
    """A category of offers in the catalogue."""
    body = {"kind": "promotional", "display_name": {"en": "Offers", "de": "Angebote"}, **fields}
    answer = shop.http.put(f"/v1/categories/{name}", body, format="json")
    assert answer.status_code in (200, 201), answer.json()


def mails(outside: Any) -> list[dict[str, Any]]:
    """The mails that SendGrid's stand-in got, oldest first."""
    return [one["content"] for one in reversed(outside.client.messages(channel="email"))]


def parts(mail: dict[str, Any]) -> tuple[str, str]:
    """A mail's text and page."""
    text, page = (part["value"] for part in mail["content"])
    return text, page


def one_click_url(mail: dict[str, Any]) -> str:
    """The URL in ``List-Unsubscribe``."""
    found = re.fullmatch(r"<(.+)>", mail["headers"]["List-Unsubscribe"])
    assert found
    return found[1]


def path_of(url: str) -> str:
    """The path of a link."""
    return urlsplit(url).path


def browse(url: str, form: dict[str, Any] | None = None, **headers: str) -> Any:
    """Open a link as a browser without cookies does, or post a form there."""
    client = Client(enforce_csrf_checks=True)
    if form is None:
        return client.get(path_of(url), headers=headers)
    return client.post(path_of(url), form, headers=headers)


def seen(answer: Any) -> str:
    """Return the text that a page shows, without its markup."""
    body = answer.content.decode().partition("<body>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def form_of(answer: Any) -> dict[str, Any]:
    """The fields of a page's first form as a browser would post them unchanged."""
    page = answer.content.decode()
    form = page[page.index("<form") : page.index("</form>")]
    fields: dict[str, Any] = {"save": "yes"}
    for name, value in re.findall(r'type="(?:hidden|time)" name="([^"]+)" value="([^"]*)"', form):
        fields[name] = unescape(value)
    for name, value in re.findall(r'type="checkbox" name="([^"]+)" value="([^"]+)" checked', form):
        fields.setdefault(name, []).append(unescape(value))
    for name, rest in re.findall(r'<select name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', rest)
        assert chosen
        fields[name] = chosen[2] if chosen[1] is None else chosen[1]
    return fields


def choose(
    url: str,
    *,
    off: Pairs = (),
    on: Pairs = (),
    fields: Mapping[str, str] | None = None,
    **more: str,
) -> Any:
    """Untick and tick boxes, set fields, and save; the page that follows."""
    form = form_of(browse(url))
    for name, key in off:
        form[name].remove(key)
    for name, key in on:
        form.setdefault(name, []).append(key)
    answer = browse(url, {**form, **(fields or {}), **more})
    assert answer.status_code == 303, seen(answer)
    assert answer.headers["Location"] == "?done=saved", "whatever a proxy has before the path"
    return browse(url)
