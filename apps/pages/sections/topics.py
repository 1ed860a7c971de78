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
from apps.preferences import selectors
from apps.preferences.consent.refusals import PreferenceScope, decision
from apps.preferences.consent.services import scope_of
from apps.topics.models import Subscription, SubscriptionState, Topic

#: Subscriptions that are shown at most, the newest.
MOST = 300


class Topics:
    """Boxes for each topic and channel. What is mandatory has none.

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
    chosen: dict[PreferenceScope, bool] = {}
    if visitor.recipient is not None:
        chosen = {scope_of(row): row.allowed for row in selectors.preferences(visitor.recipient.pk)}
    channels: dict[int, set[str]] = defaultdict(set)
    topics: dict[int, Topic] = {}
    for one in _active(visitor).order_by("-pk")[:MOST]:
        topics[one.topic_id] = one.topic
        channels[one.topic_id].add(one.channel)
    rows = []
    for topic in sorted(topics.values(), key=_title):
        always = topic.mandatory and visitor.recipient is not None
        boxes = []
        for channel in settings.CHANNELS:
            if always or channel not in channels[topic.pk]:
                continue
            on = decision(chosen, PreferenceScope(channel, topic.pk, topic.category)) is not False
            scope = PreferenceScope(channel, topic.pk, "")
            boxes.append(Box(f"{topic.pk}:{channel}", text.channel(channel), on, scope))
        by = text("preferences.topic.by", publisher=str(topic.publisher))
        note = text("preferences.topic.mandatory") if always else ""
        rows.append(Row(_title(topic), by, note, boxes))
    return rows


def _title(topic: Topic) -> str:
    return topic.display_name or topic.name
