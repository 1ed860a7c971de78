"""Rows to insert, as tuples of their columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from apps.delivery.models import Notification


class NewNotification(NamedTuple):
    """A row of ``delivery_notification``, column by column.

    A tuple, because a batch makes 1,000 of them and the model's constructor takes ten times as
    long.
    """

    id: UUID
    publisher_id: int
    kind: str
    topic_id: int | None
    group_id: int | None
    reachable_only: bool
    template_version_id: int | None
    priority: str
    category: str
    category_kind: str
    other_category: bool
    channels: Sequence[str]
    content: bytes
    collapse_key: str
    ordering_key: str
    reference: str
    metadata: str | None
    digest: str | None
    fallback_channel: str
    fallback_after: int | None
    steps: str | None
    send_at: datetime | None
    send_at_local: str
    local_time_passed: str
    expires_at: datetime | None
    created_at: datetime
    counts_kept: bool
    replay_of: UUID | None = None
    traceparent: bytes | None = None

    def is_scheduled(self) -> bool:
        """Return whether it was accepted for a later time."""
        return Notification.is_scheduled(self)


class NewChunk(NamedTuple):
    """A row of ``delivery_chunk`` (see ``Chunk``), stored as ``queued`` with the fence 0."""

    notification_id: UUID
    publisher_id: int
    kind: str
    channel: str
    priority: str
    recipient_ids: Sequence[int] | None
    contact_ids: Sequence[int] | None
    size: int
    due_at: datetime
    ready_at: datetime
    step: int = 0
    member_ids: Sequence[int] | None = None


class NewKey(NamedTuple):
    """A row of ``delivery_idempotencykey``; ``answer`` is JSON."""

    publisher_id: int
    key: str
    fingerprint: bytes
    status: int
    answer: str
