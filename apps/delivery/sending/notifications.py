"""Notifications as their deliveries need them: read once a claim, decrypted once."""

from collections.abc import Collection
from uuid import UUID

from apps.core import clock
from apps.delivery.models import ChunkKind, Notification, NotificationKind
from apps.delivery.saying import Saying
from apps.delivery.transitions import Terms
from apps.topics.selectors import TopicSnapshot, get_topic_by_id
from notifier.halt import Halt


class Posted:
    """A notification, its topic, and what it says."""

    def __init__(self, row: Notification) -> None:
        self.row = row
        self.topic: TopicSnapshot | None = get_topic_by_id(row.topic_id) if row.topic_id else None
        self.deadline = clock.ours(row.expires_at.timestamp()) if row.expires_at else None
        #: Its acceptance or its send time: when it should first have gone out.
        self.posted_at = max(row.created_at, row.send_at or row.created_at)
        self.saying = Saying(row)
        self.halt = Halt()

    def terms(self, channel: str, kind: str) -> Terms:
        """What decides over its new deliveries on a channel."""
        row, topic = self.row, self.topic
        return Terms(
            row.topic_id,
            row.group_id,
            row.reachable_only,
            topic.category if topic else "",
            topic.mandatory if topic else row.kind != NotificationKind.PUBLISHED,
            row.expires_at,
            fallback=channel == row.fallback_channel,
            confirming=kind == ChunkKind.RANGE
            and topic is not None
            and topic.requires_confirmation,
        )


def read(ids: Collection[UUID | str]) -> dict[str, Posted]:
    """Return these notifications by id."""
    rows = Notification.objects.raw(
        "SELECT * FROM delivery_notification WHERE id = ANY(%s::uuid[])",
        ["{" + ",".join(map(str, ids)) + "}"],
    )
    return {str(row.pk): Posted(row) for row in rows}
