"""The topics that a person, or a bare endpoint, is subscribed to."""

from collections.abc import Mapping, Sequence

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from apps.pages import changes
from apps.pages.changes import By
from apps.pages.sections.base import Row, changed, shown
from apps.pages.sections.categories import boxes_of, write_boxes
from apps.pages.visitors import Visitor
from apps.preferences.categories import catalogue
from apps.preferences.consent import by_links, options
from apps.preferences.consent.by_links import Chosen
from apps.topics import selectors
from apps.topics.models import Subscription


class Topics:
    """Boxes for each topic and channel. What is always sent has one where something was chosen.

    A person's box is a preference; a bare endpoint's ends its subscription.
    """

    name = "topics"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        return shown(_rows(visitor))

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        boxes = changed(self.name, _rows(visitor), form)
        if visitor.recipient is not None:
            write_boxes(request, visitor, visitor.recipient, boxes)
            return
        left = {box.scope.topic_id for box, on in boxes.items() if not on}
        if left:
            changes.end(request, visitor, _active(visitor).filter(topic__in=left), By.PAGE)


def _active(visitor: Visitor) -> QuerySet[Subscription]:
    if visitor.recipient is not None:
        return selectors.active_subscriptions(recipient=visitor.recipient)
    return selectors.active_subscriptions(contact=visitor.target.contact_id)


def _rows(visitor: Visitor) -> Sequence[Row]:
    text = visitor.language
    topics = selectors.subscribed_topics(_active(visitor))
    chosen = Chosen({}, {}, {})
    if visitor.recipient is not None:
        categories = {topic.id: topic.category for topic in topics}
        chosen = by_links.chosen(visitor.recipient.pk, categories)
    rows = []
    for topic in topics:
        always = visitor.recipient is not None and options.is_always_sent(topic)
        found = options.of_topic(topic, chosen.allowed, always=always)
        by = text("preferences.topic.by", publisher=topic.publisher)
        note = ""
        if always:
            critical = catalogue.get(topic.category).critical
            note = text("preferences.always" if critical else "preferences.topic.mandatory")
        rows.append(Row(topic.title, by, note, boxes_of(topic.id, found, chosen, text)))
    return rows
