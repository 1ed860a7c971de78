"""Tables of notifications, chunks, deliveries and what is recorded about them.

The lowest layer of ``apps.delivery``: every package there may import it, and it imports none of
them. Import models from here and not from the modules.

Rows that are written by the thousand refer to each other by id, without foreign key constraints:
a constraint costs a look-up for each row, and the one statement that writes the rows has read
those that they name.
"""

from apps.delivery.models.answers import Answer, AnswerSource
from apps.delivery.models.attempts import Attempt
from apps.delivery.models.counts import (
    HourCount,
    MinuteCount,
    PendingCount,
    SpanCount,
    StateCount,
)
from apps.delivery.models.dead_letters import DeadLetter
from apps.delivery.models.deliveries import Delivery
from apps.delivery.models.digests import OpenDigest
from apps.delivery.models.frequency import FrequencyCount
from apps.delivery.models.idempotency import Deduplication, IdempotencyKey
from apps.delivery.models.notifications import (
    OF_PUBLISHERS,
    Notification,
    NotificationKind,
)
from apps.delivery.models.ordering import ChunkTurn, Turn
from apps.delivery.models.outbox.chunks import Chunk, ChunkKind, ChunkState
from apps.delivery.models.outbox.claims import Claim
from apps.delivery.models.pauses import DatabaseAge, HeldDelivery, ProviderSwitch, TopicRelease
from apps.delivery.models.receipts import Receipt, ReceiptEvent
from apps.delivery.models.replies import Reply
from apps.delivery.models.retention import RetentionDeferral, RetentionMark, RetentionRule
from apps.delivery.models.status_webhooks import StatusWebhook

__all__ = [
    "OF_PUBLISHERS",
    "Answer",
    "AnswerSource",
    "Attempt",
    "Chunk",
    "ChunkKind",
    "ChunkState",
    "ChunkTurn",
    "Claim",
    "DatabaseAge",
    "DeadLetter",
    "Deduplication",
    "Delivery",
    "FrequencyCount",
    "HeldDelivery",
    "HourCount",
    "IdempotencyKey",
    "MinuteCount",
    "Notification",
    "NotificationKind",
    "OpenDigest",
    "PendingCount",
    "ProviderSwitch",
    "Receipt",
    "ReceiptEvent",
    "Reply",
    "RetentionDeferral",
    "RetentionMark",
    "RetentionRule",
    "SpanCount",
    "StateCount",
    "StatusWebhook",
    "TopicRelease",
    "Turn",
]
