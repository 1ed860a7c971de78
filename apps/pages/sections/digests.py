"""Choices of how often a person is sent what may wait, by category and for all others."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.http import HttpRequest, QueryDict

from apps.pages.visitors import Visitor
from apps.preferences import selectors
from apps.preferences.categories import catalogue
from apps.preferences.digests import choices, services
from apps.preferences.models import Recipient
from apps.preferences.quiet_hours import schedules
from apps.publishers import audit
from notifier.domain.digests import Cadence


class Field(NamedTuple):
    """A field to choose from. ``category``: its folded name, empty for all others."""

    name: str
    category: str
    label: str
    chosen: str


class Digests:
    """A field for each category that may wait, and one for whatever has no choice of its own."""

    name = "digests"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        fields = _fields(visitor)
        if not fields:
            return None
        text = visitor.language
        offered = [("", text("digests.default"))]
        offered += [(one.value, text(f"digests.{one.value}")) for one in Cadence]
        return {"fields": fields, "offered": offered}

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        person = visitor.recipient
        if person is None:
            return
        before = choices.shown(person.pk)
        known = {"", *(one.value for one in Cadence)}
        changed = False
        for field in _fields(visitor):
            wanted = str(form.get(field.name, ""))
            was = form.get(f"{field.name}-was")
            if was is None or wanted == was or wanted not in known:
                continue
            cadence = Cadence(wanted) if wanted else None
            services.choose(person.pk, field.category, cadence)
            changed = True
        if changed:
            audit.record(
                request,
                "update",
                "recipient",
                person.user_id,
                before={"digests": before},
                after={"digests": choices.shown(person.pk)},
            )


def _fields(visitor: Visitor) -> Sequence[Field]:
    person = visitor.recipient
    if person is None or not _may_wait(person):
        return []
    text, locale = visitor.language, visitor.language.locale
    chosen = {one["category"] or "": one["cadence"] or "" for one in choices.shown(person.pk)}
    fields = [Field("digest-all", "", text("digests.all"), chosen.get("", ""))]
    for stored in catalogue.rows():
        category = catalogue.snapshot(stored)
        if not category.critical:
            own = chosen.get(category.name, "")
            fields.append(Field(f"digest-{stored.pk}", category.name, category.title(locale), own))
    return fields


def _may_wait(person: Recipient) -> bool:
    """Return whether one of the channels that reach a person may wait."""
    reached = selectors.reached([person.user_id])[person.user_id].channels
    return any(schedules.may_disturb(channel) for channel in reached)
