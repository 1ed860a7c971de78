"""What a person, or a bare endpoint, is subscribed to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from apps.pages import changes
from apps.pages.changes import By
from apps.pages.sections.base import Box, Row, changed, shown
from apps.pages.sections.kinds import write_boxes
from apps.pages.visitors import Visitor
from apps.preferences.categories import catalogue
from apps.preferences.consent import by_links
from apps.preferences.consent.by_links import Chosen
from apps.preferences.consent.refusals import PreferenceScope, decision
from apps.topics.models import Subscription, SubscriptionState, Topic

#: Subscriptions that are shown at most, the newest.
MOST = 300


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
    rows = Subscription.objects.filter(
        state=SubscriptionState.ACTIVE, topic__deleted_at=None
    ).select_related("topic__publisher")
    if visitor.recipient is not None:
        return rows.filter(recipient=visitor.recipient)
    return rows.filter(contact=visitor.target.contact_id)


def _rows(visitor: Visitor) -> Sequence[Row]:
    text = visitor.language
    channels: dict[int, set[str]] = defaultdict(set)
    topics: dict[int, Topic] = {}
    for one in _active(visitor).order_by("-pk")[:MOST]:
        topics[one.topic_id] = one.topic
        channels[one.topic_id].add(one.channel)
    chosen = Chosen({}, {}, {})
    if visitor.recipient is not None:
        categories = {topic.pk: topic.category for topic in topics.values()}
        chosen = by_links.chosen(visitor.recipient.pk, categories)
    rows = []
    for topic in sorted(topics.values(), key=_title):
        critical = catalogue.get(topic.category).critical
        always = (topic.mandatory or critical) and visitor.recipient is not None
        boxes = []
        for channel in settings.CHANNELS:
            if channel not in channels[topic.pk]:
                continue
            if always and not _chosen_of(chosen, channel, topic):
                continue
            case = PreferenceScope(channel, topic.pk, topic.category)
            on = decision(chosen.allowed, case) is not False
            scope = PreferenceScope(channel, topic.pk, "")
            locked = not on and not chosen.may_become(scope, True)
            boxes.append(Box(f"{topic.pk}:{channel}", text.channel(channel), on, scope, locked))
        by = text("preferences.topic.by", publisher=str(topic.publisher))
        note = ""
        if always:
            note = text("preferences.always" if critical else "preferences.topic.mandatory")
        rows.append(Row(_title(topic), by, note, boxes))
    return rows


def _chosen_of(chosen: Chosen, channel: str, topic: Topic) -> bool:
    """Return whether a preference of the topic decides about its messages of other categories."""
    scopes = (PreferenceScope(one, topic.pk, "") for one in (channel, ""))
    return any(scope in chosen.allowed for scope in scopes)


def _title(topic: Topic) -> str:
    return topic.display_name or topic.name
