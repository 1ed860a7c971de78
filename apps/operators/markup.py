"""HTML fragments for the admin. All input is escaped."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince

#: The colour of a word: a state, an outcome or an event.
TONES = {
    "good": {"accepted", "delivered", "active", "done", "closed", "opened", "published"},
    "busy": {"queued", "sending", "retrying", "scheduled", "running", "pending", "half_open"},
    "bad": {"failed", "dead", "bounced", "unknown", "refused", "open", "paused", "complained"},
}
#: The order of states in a bar: done, in progress, failed, the rest.
BAR = (
    ("good", ("delivered", "accepted")),
    ("busy", ("queued", "sending", "retrying")),
    ("bad", ("failed", "dead", "bounced", "unknown")),
    ("calm", ("suppressed", "expired", "cancelled")),
)


def tone(word: str) -> str:
    """Return a word's colour: good, busy, bad or calm."""
    return next((name for name, words in TONES.items() if word in words), "calm")


def badge(word: str) -> SafeString | str:
    """Render a state or outcome in its colour."""
    if not word:
        return ""
    return format_html('<span class="n-badge n-{}">{}</span>', tone(word), word.replace("_", " "))


def bar(states: Mapping[str, int]) -> SafeString:
    """Render counts of deliveries by state, as a bar with the numbers below it."""
    total = sum(states.values())
    if not total:
        return format_html('<span class="n-muted">{}</span>', "none yet")
    shares = [
        (name, sum(states.get(word, 0) for word in words) / total * 100) for name, words in BAR
    ]
    parts = format_html_join(
        "",
        '<i class="n-{}" style="width:{}%"></i>',
        ((name, f"{share:.1f}") for name, share in shares if share),
    )
    said = ", ".join(
        f"{states[word]:,} {word}" for _, words in BAR for word in words if states.get(word)
    )
    return format_html('<div class="n-bar">{}</div><small>{}</small>', parts, said)


def table(
    headers: Iterable[str], rows: Iterable[Iterable[object]], empty: str = "None."
) -> SafeString:
    """Render a plain table, or ``empty`` if there are no rows."""
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((c,) for c in r)),) for r in rows)
    )
    if not body:
        return format_html('<p class="n-muted">{}</p>', empty)
    head = format_html_join("", "<th>{}</th>", ((header,) for header in headers))
    return format_html(
        '<table class="n-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, body
    )


def page(name: str, *arguments: object, **query: Any) -> str:
    """Return the URL of an admin page: ``page("delivery_delivery_changelist", notification=…)``."""
    url = reverse(f"admin:{name}", args=arguments)
    return f"{url}?{urlencode(query)}" if query else url


def link(url: str, text: object) -> SafeString:
    """Render a link."""
    return format_html('<a class="n-link" href="{}">{}</a>', url, text)


def at(when: datetime) -> str:
    """Format a time as all pages do: ``28 Nov 2026 19:57:28 UTC``."""
    return date_format(when, "DATETIME_FORMAT")


def moment(when: datetime | None) -> SafeString | str:
    """Render a time; its title is how long ago that was."""
    if when is None:
        return ""
    return format_html(
        '<time class="n-time" datetime="{}" title="{} ago">{}</time>',
        when.isoformat(),
        timesince(when),
        at(when),
    )


def words(*items: object) -> SafeString:
    """Join the items that are not empty, separated by spaces."""
    return format_html_join(" ", "{}", ((item,) for item in items if item))


def lines(items: Iterable[object]) -> SafeString:
    """Join the items, each on a line of its own."""
    return format_html_join(mark_safe("<br>"), "{}", ((item,) for item in items))
