"""What was posted, how it was cut up, and what became of each delivery.

Rows refer to each other by id without foreign key constraints where they are written by the
thousand: a constraint costs a look-up per row, and the one statement that writes them reads the
rows they name.
"""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from apps.publishers.models import Publisher
from apps.topics.models import Topic
from notifier.priorities import Priority
from notifier.states import DeliveryState


class Notification(models.Model):
    """What a publisher posted, once.

    ``id`` is a UUIDv7, so that rows come in the order of acceptance. ``content`` is the encrypted
    JSON of title, body, data and actions (context ``notification:`` + id).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    publisher = models.ForeignKey(Publisher, on_delete=models.PROTECT, db_constraint=False)
    topic = models.ForeignKey(Topic, null=True, on_delete=models.PROTECT, db_constraint=False)
    priority = models.CharField(max_length=10, default=Priority.NORMAL)
    channels = ArrayField(models.CharField(max_length=20))
    content = models.BinaryField()
    collapse_key = models.CharField(max_length=64, blank=True)
    send_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["publisher", "-id"], name="notification_newest")]

    def __str__(self) -> str:
        return str(self.pk)

    def is_scheduled(self) -> bool:
        """Whether it was accepted for a later time."""
        return self.send_at is not None and self.send_at > self.created_at


class IdempotencyKey(models.Model):
    """A key under which a publisher published, and the answer it got; kept for a day."""

    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, db_constraint=False)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.key


class ChunkKind(models.TextChoices):
    """What a chunk is a slice of, and so what its worker does with it."""

    WHOLE = "whole"  # a topic's whole audience, still to be cut: fan_out
    RANGE = "range"  # the topic's subscriptions with low_id <= id <= high_id on one channel
    NAMED = "named"  # the recipients in recipient_ids, on one channel
    RETRY = "retry"  # deliveries that were due for another attempt, of any notification


class ChunkState(models.TextChoices):
    """Where a chunk stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class Chunk(models.Model):
    """A slice of a notification's audience: the unit one Celery task carries. Also the outbox.

    A worker claims a chunk by moving it to running with a new ``fence``; what it writes later
    counts only while the fence is still its own. ``due_at`` is when the sweeper looks at it
    again: the time to enqueue it (queued), or the end of its worker's lease (running).
    ``ready_at`` is since when it could have been worked on: acceptance, or the time it was
    scheduled for.
    """

    notification = models.ForeignKey(
        Notification, null=True, on_delete=models.CASCADE, db_constraint=False
    )
    kind = models.CharField(max_length=5)
    channel = models.CharField(max_length=20, blank=True)
    priority = models.CharField(max_length=10)
    low_id = models.BigIntegerField(null=True)
    high_id = models.BigIntegerField(null=True)
    recipient_ids = ArrayField(models.BigIntegerField(), null=True)
    state = models.CharField(max_length=7, default=ChunkState.QUEUED)
    fence = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    ready_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["priority", "due_at"], condition=~Q(state="done"), name="chunk_open"
            ),
            # Rows come in this order, so a few pages tell the purge where the old ones are.
            BrinIndex(fields=["ready_at"], name="chunk_age"),
        ]
        constraints = [
            # Two workers cutting the same audience make the same cuts, once.
            models.UniqueConstraint(
                fields=["notification", "channel", "low_id"],
                condition=Q(kind="range"),
                name="chunk_once_a_range",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} chunk {self.pk}"


class Delivery(models.Model):
    """One notification to one contact: the unit of state, retry and isolation.

    ``contact`` is null only for a recipient who has no address on the channel; such a delivery
    is suppressed with the reason ``no_address``. ``state`` is written by
    ``apps.delivery.transitions`` and nothing else.
    """

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    chunk = models.ForeignKey(Chunk, on_delete=models.DO_NOTHING, db_constraint=False)
    contact_id = models.BigIntegerField(null=True)
    recipient_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=20)
    priority = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default=DeliveryState.QUEUED)
    reason = models.CharField(max_length=40, blank=True, db_default="")
    provider = models.CharField(max_length=40, blank=True, db_default="")
    provider_message_id = models.CharField(max_length=200, blank=True, db_default="")
    attempts = models.SmallIntegerField(db_default=0)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["notification", "contact_id"], name="delivery_once_a_contact"
            ),
            models.UniqueConstraint(
                fields=["notification", "recipient_id", "channel"],
                condition=Q(contact_id__isnull=True),
                name="delivery_once_without_address",
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "channel", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="delivery_due",
            ),
            models.Index(fields=["notification", "id"], name="delivery_listing"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """How the API, providers and webhook receivers name it; the same on every attempt."""
        return public_id(self.pk)


def public_id(delivery_id: int) -> str:
    """A delivery's id outside this database."""
    return f"dlv_{delivery_id}"


class Attempt(models.Model):
    """One call to a provider for one delivery, or several deliveries' shared one."""

    pk = models.CompositePrimaryKey("delivery_id", "number")
    delivery_id = models.BigIntegerField()
    number = models.SmallIntegerField()
    provider = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField()
    outcome = models.CharField(max_length=10)
    reason = models.CharField(max_length=40, blank=True)
    status = models.SmallIntegerField(null=True)
    detail = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"attempt {self.number} of delivery {self.delivery_id}"


class StateCount(models.Model):
    """How many of a notification's deliveries are in a state, kept as they move.

    Spread over ``slot`` rows, so that chunks finishing together do not wait for one row.
    """

    pk = models.CompositePrimaryKey("notification_id", "channel", "state", "slot")
    notification_id = models.UUIDField()
    channel = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.channel} {self.state}: {self.count}"
