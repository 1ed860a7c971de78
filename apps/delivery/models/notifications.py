"""Notifications: what publishers posted."""

import uuid
from datetime import datetime
from typing import Protocol

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.publishers.models import Publisher
from apps.topics.models import Topic
from notifier.domain.priorities import Priority


class NotificationKind(models.TextChoices):
    """Origin of a notification. Only ``PUBLISHED`` ones are listed and counted as usage."""

    PUBLISHED = "published"  # a publisher posted it
    CONFIRMATION = "confirmation"  # asks the owner of an address to confirm a subscription
    STATUS = "status"  # reports states of deliveries to a status webhook
    DIGEST = "digest"  # tells one person of several published ones


#: Kinds of what publishers sent, and not of what the service tells about that.
OF_PUBLISHERS = (NotificationKind.PUBLISHED, NotificationKind.DIGEST)


class Scheduled(Protocol):
    """A row with the times that ``Notification.is_scheduled`` reads."""

    @property
    def send_at(self) -> datetime | None:
        """Return the time at which it is to be sent; ``None``: at once."""

    @property
    def created_at(self) -> datetime:
        """Return the time of acceptance."""


class Notification(models.Model):
    """A notification, as a publisher posted it.

    ``id`` is a UUIDv7, so rows are in the order of acceptance. ``content`` is encrypted JSON
    (context ``notification:`` + id): title, body, data and actions, or the variables of the
    template version ``template_version_id``: see ``apps.delivery.sealed_content``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Neither has an index of its own: those below begin with them, and publishers are not deleted.
    publisher = models.ForeignKey(
        Publisher, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    topic = models.ForeignKey(
        Topic, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    kind = models.CharField(
        max_length=12,
        default=NotificationKind.PUBLISHED,
        db_default=NotificationKind.PUBLISHED,
    )
    # Ids of a group and of a template's version, without constraints.
    group_id = models.BigIntegerField(null=True)
    # True if the publisher named no channels: members of a group are then left out, without a
    # suppressed delivery, on channels where they have no address.
    reachable_only = models.BooleanField(default=False, db_default=False)
    template_version_id = models.BigIntegerField(null=True)
    priority = models.CharField(max_length=10, default=Priority.NORMAL)
    # The name and kind of its category as of acceptance: its own, its topic's, its template's or
    # the default one. Empty where the service itself made it, and in rows older than the columns.
    category = models.CharField(max_length=100, blank=True, db_default="")
    category_kind = models.CharField(max_length=13, blank=True, db_default="")
    # True if that was not its topic's. Then a mandatory topic exempts it from no preference, and
    # who subscribed to the topic has not chosen the category.
    other_category = models.BooleanField(default=False, db_default=False)
    channels = ArrayField(models.CharField(max_length=20))
    content = models.BinaryField()
    collapse_key = models.CharField(max_length=64, blank=True)
    # Deliveries to one recipient under the same key go out in the order of acceptance. Or empty.
    ordering_key = models.CharField(max_length=128, blank=True, db_default="")
    # The publisher's own id of it, not unique, and what else they know it by: texts by name. Nobody
    # is sent either of them. Empty and null where none was given.
    reference = models.CharField(max_length=255, blank=True, default="", db_default="")
    metadata = models.JSONField(null=True)
    # The digest it joins (notifier.domain.digests.Digest). Null where the publisher asked for none.
    digest = models.JSONField(null=True)
    # The channel for recipients whom no other has reached after fallback_after seconds. Or empty.
    fallback_channel = models.CharField(max_length=20, blank=True, db_default="")
    fallback_after = models.IntegerField(null=True)
    # A fallback of several steps, or of one that asks for more than "not delivered": see
    # apps.delivery.state.steps. Null without one; the two columns above are empty beside it.
    steps = models.JSONField(null=True)
    # With send_at_local the moment at which it is that time first, anywhere.
    send_at = models.DateTimeField(null=True)
    # The local time at which each recipient gets it, as "2026-12-01T09:00:00". Or empty.
    send_at_local = models.CharField(max_length=19, blank=True, db_default="")
    # "send" at once or "skip" those for whom it had passed at acceptance. Empty without one.
    local_time_passed = models.CharField(max_length=4, blank=True, db_default="")
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    # The notification that it sends again, the first one: see apps.delivery.intake.earlier.
    replay_of = models.UUIDField(null=True)
    # True if StateCount has the numbers of its deliveries by state. One to a single recipient has
    # few deliveries, which are counted when somebody asks.
    counts_kept = models.BooleanField(default=True, db_default=True)
    cancelled_at = models.DateTimeField(null=True)
    # The ids of its trace and of the span under which all that becomes of it belongs
    # (apps.core.tracing). Null where it is not sampled.
    traceparent = models.BinaryField(null=True)

    class Meta:
        permissions = [("read_title", "Can read the titles of notifications")]
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
            models.Index(
                fields=["publisher", "reference", "-id"],
                condition=~Q(reference=""),
                name="notification_of_reference",
            ),
            # Erasure looks through what status webhooks were told.
            models.Index(fields=["id"], condition=Q(kind="status"), name="notification_of_events"),
            models.Index(
                fields=["replay_of"],
                condition=Q(replay_of__isnull=False),
                name="notification_replays",
            ),
            # Workers read the newest cancellations twice a second.
            models.Index(
                fields=["cancelled_at"],
                condition=Q(cancelled_at__isnull=False),
                name="notification_cancelled",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def is_scheduled(self: Scheduled) -> bool:
        """Return whether it was accepted for a later time."""
        return self.send_at is not None and self.send_at > self.created_at
