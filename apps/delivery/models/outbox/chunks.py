"""Chunks: slices of audiences whose deliveries are not made yet."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from apps.delivery.models.notifications import Notification


class ChunkKind(models.TextChoices):
    """The audience that a chunk is a slice of, which decides how its deliveries are made."""

    WHOLE = "whole"  # the audience of a topic or group, to be cut into ranges by fan-out
    RANGE = "range"  # the topic's subscriptions or the group's members, low_id <= id <= high_id
    LISTED = "listed"  # those of the topic's subscriptions or the group's members in member_ids
    PASSED = "passed"  # the same, or recipient_ids, for whom the local time has passed: not sent
    MEMBERS = "members"  # the members that the group of a fallback's step has when it is due
    NAMED = "named"  # the recipients in recipient_ids, on one channel
    ENDPOINT = "endpoint"  # the contacts in contact_ids, with or without a recipient
    RETRY = "retry"  # deliveries that were due for another attempt, of any notification


class ChunkState(models.TextChoices):
    """State of a chunk."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class Chunk(models.Model):
    """A slice of a notification's audience whose deliveries are not made yet: the outbox.

    A claim makes the deliveries and deletes the chunk in one transaction. Chunks that were cut
    from an audience stay as ``done``, so that nothing is cut twice.

    - ``ready_at``: when it may be claimed: the time of acceptance, the time it is scheduled for,
      or the end of its deferral.
    - ``reason``: why it is deferred; else empty.
    - ``size``: the number of recipients or contacts; 0 where it is not known.
    - ``publisher_id``: the notification's; claims are shared out fairly by it.
    - ``step``: the step of the fallback whose deliveries it becomes; 0 for the first channels.
    - ``due_at``, ``fence``: the end of the lease, and the number of workers that have held it.
      Only a ``whole`` chunk has the state ``running`` and uses them.
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
    member_ids = ArrayField(models.BigIntegerField(), null=True)
    recipient_ids = ArrayField(models.BigIntegerField(), null=True)
    contact_ids = ArrayField(models.BigIntegerField(), null=True)
    size = models.IntegerField(default=0, db_default=0)
    state = models.CharField(max_length=7, default=ChunkState.QUEUED)
    reason = models.CharField(max_length=40, blank=True, default="", db_default="")
    fence = models.IntegerField(default=0)
    step = models.SmallIntegerField(default=0, db_default=0)
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
            # Audiences that are being cut: few, however many chunks wait.
            models.Index(fields=["due_at"], condition=Q(state="running"), name="chunk_running"),
            # Rows are inserted in this order: a few index pages lead retention to the old ones.
            BrinIndex(fields=["ready_at"], name="chunk_age"),
        ]
        constraints = [
            # Two workers that cut the same audience insert each range once.
            models.UniqueConstraint(
                fields=["notification", "channel", "low_id"],
                condition=Q(kind="range"),
                name="chunk_once_a_range",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} chunk {self.pk}"
