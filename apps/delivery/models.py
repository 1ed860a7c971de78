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

from apps.core import delivery_ids
from apps.core.fields import StampField
from apps.publishers.models import Publisher
from apps.topics.models import Topic
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState


class NotificationKind(models.TextChoices):
    """Why a notification exists. Only what was published is listed and counted as usage."""

    PUBLISHED = "published"  # a publisher posted it
    CONFIRMATION = "confirmation"  # asks a new subscriber's address to confirm
    STATUS = "status"  # tells a publisher what became of deliveries


class Notification(models.Model):
    """What a publisher posted, once.

    ``id`` is a UUIDv7, so that rows come in the order of acceptance. ``content`` is the encrypted
    JSON of title, body, data and actions (context ``notification:`` + id).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    publisher = models.ForeignKey(Publisher, on_delete=models.PROTECT, db_constraint=False)
    topic = models.ForeignKey(Topic, null=True, on_delete=models.PROTECT, db_constraint=False)
    kind = models.CharField(
        max_length=12,
        default=NotificationKind.PUBLISHED,
        db_default=NotificationKind.PUBLISHED,
    )
    # Ids of a group and of a template's version; without constraints, as everything here.
    group_id = models.BigIntegerField(null=True)
    # A group's members are left out on channels where they have no address: none was named.
    reachable_only = models.BooleanField(default=False, db_default=False)
    template_version_id = models.BigIntegerField(null=True)
    priority = models.CharField(max_length=10, default=Priority.NORMAL)
    channels = ArrayField(models.CharField(max_length=20))
    content = models.BinaryField()
    collapse_key = models.CharField(max_length=64, blank=True)
    # What goes to one recipient under one of these goes out in the order of acceptance; or empty.
    ordering_key = models.CharField(max_length=128, blank=True, db_default="")
    # Whom none of the channels reached so many seconds later is sent it on this one; or empty.
    fallback_channel = models.CharField(max_length=20, blank=True, db_default="")
    fallback_after = models.IntegerField(null=True)
    send_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["publisher", "-id"],
                condition=Q(kind="published"),
                name="notification_newest",
            ),
            models.Index(
                fields=["topic", "-id"],
                condition=Q(topic__isnull=False),
                name="notification_of_topic",
            ),
            # Workers look twice a second what was cancelled just now.
            models.Index(
                fields=["cancelled_at"],
                condition=Q(cancelled_at__isnull=False),
                name="notification_cancelled",
            ),
        ]

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


class Deduplication(models.Model):
    """What a publisher asked to have accepted once until then: content, audience and channels."""

    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, db_constraint=False)
    # A keyed hash of all three.
    fingerprint = models.BinaryField(max_length=32)
    notification_id = models.UUIDField(null=True)
    until = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "fingerprint"], name="deduplication_once")
        ]

    def __str__(self) -> str:
        return f"{self.notification_id} until {self.until}"


class ChunkKind(models.TextChoices):
    """What a chunk is a slice of, and so what its worker does with it."""

    WHOLE = "whole"  # a topic's whole audience, still to be cut: fan_out
    RANGE = "range"  # the topic's subscriptions or the group's members, low_id <= id <= high_id
    NAMED = "named"  # the recipients in recipient_ids, on one channel
    ENDPOINT = "endpoint"  # the contacts in contact_ids, whoever they belong to
    RETRY = "retry"  # deliveries that were due for another attempt, of any notification


class ChunkState(models.TextChoices):
    """Where a chunk stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class Chunk(models.Model):
    """A slice of a notification's audience whose deliveries are not made yet. Also the outbox.

    A worker's claim makes the deliveries and takes the chunk away in one transaction; what was cut
    from an audience stays as ``done``, so that nothing is cut twice. ``ready_at``: since when, or
    from when on, it may be claimed: acceptance, the time it was scheduled for, or the end of its
    deferral for ``reason``. ``size``: how many recipients or contacts it stands for; 0 where that
    is not known. ``publisher_id``: the notification's, by which claims are fair.

    Only a ``whole`` chunk runs: ``due_at`` is the end of its lease, and ``fence`` counts who has
    cut it.
    """

    notification = models.ForeignKey(
        Notification, null=True, on_delete=models.CASCADE, db_constraint=False
    )
    publisher_id = models.BigIntegerField(default=0, db_default=0)
    kind = models.CharField(max_length=8)
    channel = models.CharField(max_length=20, blank=True)
    priority = models.CharField(max_length=10)
    low_id = models.BigIntegerField(null=True)
    high_id = models.BigIntegerField(null=True)
    recipient_ids = ArrayField(models.BigIntegerField(), null=True)
    contact_ids = ArrayField(models.BigIntegerField(), null=True)
    size = models.IntegerField(default=0, db_default=0)
    state = models.CharField(max_length=7, default=ChunkState.QUEUED)
    reason = models.CharField(max_length=40, blank=True, default="", db_default="")
    fence = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    ready_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["priority", "due_at"], condition=~Q(state="done"), name="chunk_open"
            ),
            models.Index(
                fields=["priority", "channel", "publisher_id", "ready_at"],
                condition=Q(state="queued"),
                name="chunk_waiting",
            ),
            # Audiences that are being cut: a few, however many chunks wait.
            models.Index(fields=["due_at"], condition=Q(state="running"), name="chunk_running"),
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


class Claim(models.Model):
    """Deliveries that one worker process is sending now; gone when they are on record.

    The id is made from the time and at random, and never used again: what a worker records counts
    only for deliveries that still carry it. A claim whose lease ran out is released by
    ``apps.delivery.outbox.claims``.
    """

    id = models.BigIntegerField(primary_key=True)
    channel = models.CharField(max_length=20)
    priority = models.CharField(max_length=10)
    worker = models.CharField(max_length=200)
    claimed_at = models.DateTimeField()
    lease_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"claim {self.pk} of {self.worker}"


class Delivery(models.Model):
    """One notification to one contact: the unit of state, retry and isolation.

    ``contact`` is null only for a recipient who has no address on the channel; such a delivery
    is suppressed with the reason ``no_address``. ``state`` is written by
    ``apps.delivery.state`` and nothing else.
    """

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    #: The claim that sends it, or was the last to do so.
    claim_id = models.BigIntegerField(db_column="chunk_id", db_index=True)
    # The notification's, by which claims are fair.
    publisher_id = models.BigIntegerField(default=0, db_default=0)
    contact_id = models.BigIntegerField(null=True)
    recipient_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=20)
    priority = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default=DeliveryState.QUEUED)
    reason = models.CharField(max_length=40, blank=True, db_default="")
    provider = models.CharField(max_length=40, blank=True, db_default="")
    provider_message_id = models.CharField(max_length=200, blank=True, db_default="")
    attempts = models.SmallIntegerField(db_default=0)
    # Those the retry policy does not count: before a redrive, and those after which another
    # provider of the channel was asked.
    attempts_uncounted = models.SmallIntegerField(db_default=0)
    # The delivery in whose place this one is sent, after its last attempt.
    instead_of = models.BigIntegerField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["notification", "contact_id"],
                condition=Q(instead_of__isnull=True),
                name="delivery_once_a_contact",
            ),
            models.UniqueConstraint(
                fields=["instead_of"],
                condition=Q(instead_of__isnull=False),
                name="delivery_once_instead",
            ),
            models.UniqueConstraint(
                fields=["notification", "recipient_id", "channel"],
                condition=Q(contact_id__isnull=True, instead_of__isnull=True),
                name="delivery_once_without_address",
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "channel", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="delivery_due",
            ),
            models.Index(
                fields=["priority", "channel", "publisher_id", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="delivery_waiting",
            ),
            models.Index(fields=["notification", "id"], name="delivery_listing"),
            models.Index(
                fields=["recipient_id", "-id"],
                condition=Q(recipient_id__isnull=False),
                name="delivery_of_recipient",
            ),
            models.Index(
                fields=["contact_id", "-id"],
                condition=Q(recipient_id__isnull=True, contact_id__isnull=False),
                name="delivery_of_endpoint",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """How the API, providers and webhook receivers name it; the same on every attempt."""
        return delivery_ids.public_id(self.pk)


class ChunkTurn(models.Model):
    """A place in a line, of a chunk whose deliveries are not made yet; gone when they are.

    A line is a publisher's ordering key on a channel (``apps.delivery.state.ordering``); a
    chunk still to be cut has a place in that of each channel. Places of one notification are
    equal.
    """

    pk = models.CompositePrimaryKey("chunk_id", "line")
    chunk_id = models.BigIntegerField()
    line = models.BigIntegerField()
    position = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["line", "position"], name="chunk_turn_in_line")]

    def __str__(self) -> str:
        return f"chunk {self.chunk_id} in line {self.line}"


class Turn(models.Model):
    """A place in a line, of a delivery that is to go out; gone when it did or will not.

    ``who`` is the recipient's id, or the negative one of a bare endpoint's contact: only what
    goes to the same one waits for each other.
    """

    delivery_id = models.BigIntegerField(primary_key=True)
    line = models.BigIntegerField()
    who = models.BigIntegerField()
    position = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["line", "who", "position"], name="turn_in_line")]

    def __str__(self) -> str:
        return f"{delivery_ids.public_id(self.delivery_id)} in line {self.line}"


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


class DeadLetter(models.Model):
    """A delivery that is dead, for as long as it is: written when it dies, gone when redriven.

    A table of its own, since an index on a delivery's state would cost every delivery more than
    the few dead ones are worth (no HOT updates).
    """

    delivery = models.OneToOneField(
        Delivery, primary_key=True, on_delete=models.CASCADE, db_constraint=False
    )
    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, db_constraint=False)
    topic = models.ForeignKey(Topic, null=True, on_delete=models.SET_NULL, db_constraint=False)
    # The notification's.
    kind = models.CharField(max_length=12, db_default=NotificationKind.PUBLISHED)
    channel = models.CharField(max_length=20)
    provider = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    died_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["publisher", "-delivery"],
                condition=Q(kind="published"),
                name="dead_letter_of_publisher",
            )
        ]

    def __str__(self) -> str:
        return delivery_ids.public_id(self.delivery_id)


class Receipt(models.Model):
    """What a provider told us later about deliveries: one call of its, stored before it is read.

    ``body`` is the encrypted request (context ``receipt:`` + provider); ``read_at`` is when the
    deliveries were advanced by it, and the body is dropped then. What could not be read keeps it.
    """

    provider = models.CharField(max_length=40)
    body = models.BinaryField()
    received_at = StampField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(read_at__isnull=True), name="receipt_unread")
        ]

    def __str__(self) -> str:
        return f"{self.provider} receipt {self.pk}"


class ReceiptEvent(models.Model):
    """What one receipt says about one delivery, in our words.

    ``pending``: it came before our own record of the attempt, and is applied once that is written.
    """

    delivery_id = models.BigIntegerField()
    provider = models.CharField(max_length=40)
    event = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    # Which of the provider's messages it speaks of: a delivery may have had several.
    message_id = models.CharField(max_length=200, blank=True, db_default="")
    at = models.DateTimeField()
    pending = models.BooleanField(default=False, db_default=False)
    # Whether it is known to be about a message of the delivery's. Until then it says nothing.
    attributed = models.BooleanField(default=True, db_default=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(pending=True), name="receipt_event_pending")
        ]
        constraints = [
            # A receipt that comes twice says the same.
            models.UniqueConstraint(
                fields=["delivery_id", "provider", "event", "at", "message_id"],
                name="receipt_event_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.event} for delivery {self.delivery_id}"


class HourCount(models.Model):
    """Moves of deliveries into a state less those out of it, by hour of the move.

    Summed over all hours it is how many are in the state now; over one hour, what that hour
    brought. ``topic_id`` is 0 where no topic was published to. Spread over slots as StateCount is;
    a negative slot holds what was folded (``apps.delivery.maintenance.rollup``).
    """

    pk = models.CompositePrimaryKey("publisher_id", "topic_id", "hour", "channel", "state", "slot")
    publisher_id = models.BigIntegerField()
    topic_id = models.BigIntegerField()
    hour = models.DateTimeField()
    channel = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()

    class Meta:
        # What is to be folded next, without reading what has been.
        indexes = [models.Index(fields=["slot", "hour"], name="hour_count_to_fold")]

    def __str__(self) -> str:
        return f"{self.hour:%d %H:00} {self.channel} {self.state}: {self.count}"


class PendingCount(models.Model):
    """A move of deliveries that is still to be counted: a table of counts was locked."""

    notification_id = models.UUIDField(db_index=True)
    channel = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.channel} {self.state}: {self.count}"


class TopicRelease(models.Model):
    """A topic that was resumed, whose deliveries that wait for that are still to be made due."""

    topic_id = models.BigIntegerField(primary_key=True)
    resumed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"topic {self.topic_id} was resumed"


class MinuteCount(models.Model):
    """Attempts by minute, channel, provider and what they came to; kept for two days."""

    pk = models.CompositePrimaryKey("minute", "channel", "provider", "outcome", "reason", "slot")
    minute = models.DateTimeField()
    channel = models.CharField(max_length=20)
    provider = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10)
    reason = models.CharField(max_length=40)
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.minute:%H:%M} {self.provider} {self.outcome}: {self.count}"


class StatusWebhook(models.Model):
    """Where a publisher wants to be told what became of its deliveries.

    ``contact`` is the publisher's endpoint with its signing secret; ``events`` are states.
    """

    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey("preferences.Contact", on_delete=models.CASCADE, related_name="+")
    events = ArrayField(models.CharField(max_length=20))
    created_at = StampField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["publisher", "contact"], name="status_webhook_once_an_endpoint"
            )
        ]

    def __str__(self) -> str:
        return f"{self.publisher_id}: {', '.join(self.events)}"


class ProviderSwitch(models.Model):
    """A provider that an operator paused: nothing is sent through it until it is resumed."""

    provider = models.CharField(max_length=40, primary_key=True)
    paused_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.provider} is paused"
