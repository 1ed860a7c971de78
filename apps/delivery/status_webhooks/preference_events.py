"""Tell status webhooks what people changed on the pages that links in messages open.

The publisher of that message is notified of everything that it may know, and a topic's owner of its
topic. Events are accepted in the transaction of the change, so both are committed or neither.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from apps.core import clock
from apps.delivery.intake.accept import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import NotificationKind
from apps.delivery.status_webhooks import lookup
from apps.delivery.status_webhooks.lookup import PREFERENCE_CHANGED
from apps.preferences.channels import WEBHOOK
from apps.preferences.selectors import active_contacts
from apps.publishers.selectors import get_publisher
from apps.topics.models import Topic
from apps.topics.selectors import get_topic_by_id
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority

#: Changes in one message at most: one has at most 1 kB, and a webhook's payload 20.
AT_ONCE = 15


@dataclass(frozen=True, slots=True)
class ChangedPreference:
    """A preference that a person changed, or a bare endpoint's subscription that ended.

    ``allowed`` of ``None``: withdrawn. ``by``: ``one_click`` or ``page``.
    """

    user_id: str
    subscription_id: int | None
    channel: str
    topic: Topic | None
    category: str
    allowed: bool | None
    by: str

    def summary(self) -> dict[str, object]:
        """Return it for the audit trail of the person's own change."""
        return {
            "channel": self.channel,
            "topic": self.topic.name if self.topic else "",
            "category": self.category,
            "allowed": self.allowed,
            "by": self.by,
        }


def publish(
    publisher_id: int | None, owner_id: int | None, changes: Sequence[ChangedPreference]
) -> None:
    """Accept events about changes, for the webhooks that chose them.

    ``publisher_id``: of the message that had the link; ``owner_id``: of who may know who got it,
    which is the owner of the message's topic if it had one. Call it in the transaction of the
    changes.
    """
    listeners = [one for one in lookup.listeners() if PREFERENCE_CHANGED in one.events]
    if not listeners:
        return
    at = clock.moment().astimezone(UTC).isoformat().replace("+00:00", "Z")
    events: dict[int, list[dict[str, object]]] = defaultdict(list)
    for change in changes:
        for reader in _readers(publisher_id, change):
            owner = owner_id if change.topic is None else change.topic.publisher_id
            owns = owner == reader
            events[reader].append(
                {
                    # only the owner of a topic may know its subscribers
                    "user_id": change.user_id if owns else "",
                    "subscription_id": change.subscription_id if owns else None,
                    **change.summary(),
                    "at": at,
                }
            )
    active = active_contacts([listener.contact_id for listener in listeners])
    for reader, rows in events.items():
        found = get_publisher(reader)
        contacts = [
            one.contact_id
            for one in listeners
            if one.publisher_id == reader and one.contact_id in active
        ]
        if contacts and found is not None and found.is_active:
            batches = [rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE)]
            accept(reader, [_draft(batch, contacts) for batch in batches])


def _readers(publisher_id: int | None, change: ChangedPreference) -> set[int]:
    """Return the publishers that may know of a change."""
    if change.topic is None:
        return set() if publisher_id is None else {publisher_id}
    readers = {change.topic.publisher_id}
    if publisher_id is not None:
        topic = get_topic_by_id(change.topic.pk)
        if topic is not None and topic.visible_to(publisher_id):
            readers.add(publisher_id)
    return readers


def _draft(rows: Sequence[dict[str, object]], contacts: Sequence[int]) -> Draft:
    return Draft(
        content=Content(data={"preferences": rows}, event_type=PREFERENCE_CHANGED),
        priority=Priority.LOW,
        channels=[WEBHOOK],
        contact_ids=contacts,
        kind=NotificationKind.STATUS,
    )
