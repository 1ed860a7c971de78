"""The kinds of messages: the company's categories, by the channels on which a person is reached."""

from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings
from django.http import HttpRequest, QueryDict

from apps.pages import changes
from apps.pages.changes import By
from apps.pages.sections.base import Box, Row, changed, shown
from apps.pages.visitors import Visitor
from apps.preferences import selectors
from apps.preferences.categories import catalogue
from apps.preferences.consent import by_links, options
from apps.preferences.consent.by_links import Chosen
from apps.preferences.consent.options import Option
from apps.preferences.consent.services import PreferenceUpdate
from apps.preferences.models import Recipient
from apps.preferences.pages.languages import Language


class Kinds:
    """Boxes for each category and channel. What is critical has none."""

    name = "kinds"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        rows = _rows(visitor)
        return shown(rows) if rows else None

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        if visitor.recipient is not None:
            write_boxes(
                request, visitor, visitor.recipient, changed(self.name, _rows(visitor), form)
            )


def write_boxes(
    request: HttpRequest, visitor: Visitor, person: Recipient, boxes: Mapping[Box, bool]
) -> None:
    """Write what a person ticked and unticked as preferences."""
    updates = [PreferenceUpdate(person.pk, *box.scope, on) for box, on in boxes.items()]
    if updates:
        changes.write(request, visitor, updates, By.PAGE)


def boxes_of(key: int, options: Iterable[Option], chosen: Chosen, text: Language) -> Sequence[Box]:
    """Return the boxes of a category or topic, those locked that no link may tick."""
    return [
        Box(
            f"{key}:{option.channel}",
            text.channel(option.channel),
            option.on,
            option.scope,
            not option.on and not chosen.may_become(option.scope, True),
        )
        for option in options
    ]


def _rows(visitor: Visitor) -> Sequence[Row]:
    if visitor.recipient is None:
        return []
    text, locale = visitor.language, visitor.language.locale
    chosen = by_links.chosen(visitor.recipient.pk)
    user_id = visitor.recipient.user_id
    reached = selectors.reached([user_id])[user_id].channels
    channels = [channel for channel in settings.CHANNELS if channel in reached]
    rows = []
    for stored in catalogue.rows():
        category = catalogue.snapshot(stored)
        found = options.of_category(category, channels, chosen.allowed)
        boxes = boxes_of(stored.pk, found, chosen, text)
        note = text("preferences.always") if category.critical else ""
        rows.append(Row(category.title(locale), category.meaning(locale), note, boxes))
    return rows
