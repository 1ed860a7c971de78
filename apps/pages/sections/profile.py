"""A person's language and time zone."""

from collections.abc import Mapping, Sequence
from functools import cache
from zoneinfo import available_timezones

from django.http import HttpRequest, QueryDict

from apps.pages.visitors import Visitor
from apps.preferences.contacts import services
from apps.preferences.contacts.services import Person
from apps.preferences.models import Recipient
from apps.preferences.pages import languages
from apps.publishers import audit

#: Regions of the zones that are offered; others are old names of these.
REGIONS = (
    *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe"),
    *("Indian", "Pacific"),
)


class Profile:
    """Two fields to choose from."""

    name = "profile"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        if visitor.recipient is None:
            return None
        return {
            "locale": visitor.recipient.locale,
            "locales": _locales(visitor.recipient),
            "zone": visitor.recipient.time_zone,
            "zones": _zones(visitor.recipient),
        }

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        person = visitor.recipient
        if person is None:
            return
        offered = {
            "locale": {locale for locale, _ in _locales(person)},
            "time_zone": {zone for _, zones in _zones(person) for zone in zones},
        }
        before = {"locale": person.locale, "time_zone": person.time_zone}
        after = {
            name: str(form[name])
            for name, values in offered.items()
            if form.get(name) in values and form[name] != form.get(f"{name}-was")
        }
        if not after:
            return
        services.upsert_recipients(
            [Person(person.user_id, after.get("locale"), after.get("time_zone"))]
        )
        old = {name: before[name] for name in after}
        audit.record(request, "update", "recipient", person.user_id, before=old, after=after)


def _locales(person: Recipient) -> Sequence[tuple[str, str]]:
    """Return pairs of locale and name: the languages of pages, and the person's own locale.

    A locale such as ``de-AT`` takes the place of its language.
    """
    own, names = person.locale, languages.choices()
    if own in names:
        return list(names.items())
    near = languages.language(own).locale
    if own and own.lower().startswith(f"{near.lower()}-"):
        return [(own if one == near else one, name) for one, name in names.items()]
    return [(own, own or "–"), *names.items()]


def _zones(person: Recipient) -> Sequence[tuple[str, Sequence[str]]]:
    """Return pairs of region and zones, the person's own zone among them."""
    offered = _all_zones()
    own = person.time_zone
    known = any(own in zones for _, zones in offered)
    return offered if known else [("", [own]), *offered]


@cache
def _all_zones() -> Sequence[tuple[str, Sequence[str]]]:
    zones = sorted(available_timezones())
    by_region = [(one, [zone for zone in zones if zone.startswith(f"{one}/")]) for one in REGIONS]
    return [("UTC", ["UTC"]), *by_region]
