"""Read who wants digests. Where nobody does, a claim learns so from the process."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from apps.core.cache import CachedLookup
from apps.preferences.categories import catalogue
from apps.preferences.models import DigestChoice
from apps.preferences.quiet_hours import schedules
from notifier.domain import digests
from notifier.domain.digests import Cadence, Digest

_KEY = "all"


class InUse(NamedTuple):
    """Digests in use: by some category of the catalogue, by some person."""

    categories: bool
    people: bool


@dataclass(frozen=True, slots=True)
class PersonsChoices:
    """A person's zone, and how often they want each category; "" stands for all others."""

    zone: ZoneInfo
    cadences: Mapping[str, Cadence]

    def of(self, category: str) -> Cadence | None:
        """Return how often they want a category; ``None`` where they have not chosen."""
        return self.cadences.get(category) or self.cadences.get("")


def in_use() -> InUse:
    """Return who has asked for digests, from the cache."""
    return _known.get(_KEY) or InUse(False, False)


def of_category(category: str) -> Digest | None:
    """Return the digest that the company asks for a category, by its folded name."""
    if not category or not in_use().categories:
        return None
    found = catalogue.get(category).digest
    return None if found is None else digests.read(found)


def of_people(recipient_ids: Collection[int]) -> Mapping[int, PersonsChoices]:
    """Return what these recipients chose, and their zones, by recipient id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id, r.time_zone, array_agg(c.category) FILTER (WHERE c.id IS NOT NULL),"
            "       array_agg(c.cadence) FILTER (WHERE c.id IS NOT NULL)"
            "  FROM preferences_recipient r"
            "  LEFT JOIN preferences_digestchoice c ON c.recipient_id = r.id"
            " WHERE r.id = ANY(%s) GROUP BY r.id",
            [list(recipient_ids)],
        )
        return {
            recipient_id: PersonsChoices(
                schedules.zone_of(time_zone),
                dict(zip(categories or (), map(Cadence, cadences or ()), strict=True)),
            )
            for recipient_id, time_zone, categories, cadences in cursor.fetchall()
        }


def changed() -> None:
    """Have every process read again who has asked for digests, after the commit."""
    _known.changed(_KEY)


def shown(recipient_id: int) -> list[dict[str, str | None]]:
    """Return a person's choices as the API shows them."""
    rows = DigestChoice.objects.filter(recipient_id=recipient_id).order_by("category")
    return [{"category": row.category or None, "cadence": row.cadence} for row in rows]


def _load(_: str) -> InUse:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM preferences_category WHERE digest IS NOT NULL),"
            "       EXISTS (SELECT FROM preferences_digestchoice)"
        )
        return InUse._make(cursor.fetchone())


_known = CachedLookup("digests", _load, list, lambda packed: InUse(*packed))
