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
            "locales": languages.offered(visitor.recipient.locale),
            "zone": visitor.recipient.time_zone,
            "zones": _zones(visitor.recipient),
        }

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        person = visitor.recipient
        if person is None:
            return
        offered = {
            "locale": {locale for locale, _ in languages.offered(person.locale)},
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
