"""The items of people's inboxes, and the versions by which streams find what changed."""

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.inbox.statuses import Status
from apps.preferences.models import Recipient


class InboxItem(models.Model):
    """A notification in a recipient's inbox.

    Title, body, data and actions are encrypted (context ``inbox:`` and the delivery's id); the
    fields of filters are not. ``delivery_id`` is unique, so that no message is stored twice. An
    acknowledged item counts as read, and one that is read as seen. Deleting an item deletes its
    row. ``version`` is the inbox's at the item's last change (``Feed``), 0 in items older than
    those.
    """

    # Without a constraint, which would read the recipient's row once more for each item. Without an
    # index of its own, since the indexes below begin with it.
    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="inbox",
        db_constraint=False,
        db_index=False,
    )
    delivery_id = models.BigIntegerField(unique=True)
    # Null in items older than the column.
    notification_id = models.UUIDField(null=True)
    content = models.BinaryField()
    severity = models.CharField(
        max_length=10, db_default="info", help_text="as notifier.domain.messages"
    )
    display_type = models.CharField(max_length=20, db_default="inbox", help_text="likewise")
    source = models.CharField(max_length=100, blank=True, db_default="")
    created_at = StampField(auto_now_add=True)
    expires_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True)
    # Out of the way until then; null again once it is back.
    snoozed_until = models.DateTimeField(null=True)
    version = models.BigIntegerField(db_default=0)

    class Meta:
        indexes = [
            models.Index(fields=["recipient", "-id"], name="inbox_newest_first"),
            # Counts unread items that have not expired without reading the rows.
            models.Index(
                fields=["recipient", "expires_at"],
                include=["seen_at", "snoozed_until"],
                condition=Q(read_at__isnull=True),
                name="inbox_not_read",
            ),
            models.Index(fields=["expires_at"], name="inbox_expired"),
            models.Index(fields=["recipient", "version"], name="inbox_changed"),
            models.Index(
                fields=["snoozed_until"],
                condition=Q(snoozed_until__isnull=False),
                name="inbox_snoozed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} #{self.pk}"

    @property
    def status(self) -> Status:
        """The status, from the two times."""
        if self.acknowledged_at is not None:
            return Status.ACKNOWLEDGED
        return Status.UNREAD if self.read_at is None else Status.READ


class Feed(models.Model):
    """The version of a person's inbox: microseconds since 1970 of its last change, or one more.

    Whoever changes items first sets the next version and holds the row until the end of their
    transaction. So the versions of an inbox become visible in their order, and who has read up to
    one has missed nothing before it.
    """

    recipient = models.OneToOneField(
        Recipient,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    version = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.recipient_id} at {self.version}"


class Deletion(models.Model):
    """An item that a person deleted, kept for as long as a stream may ask what it missed."""

    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    version = models.BigIntegerField()
    item_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "version", "item_id"], name="deletion_once"
            )
        ]
        indexes = [models.Index(fields=["version"], name="deletion_oldest")]

    def __str__(self) -> str:
        return f"{self.recipient_id} deleted {self.item_id}"


class Ticket(models.Model):
    """A one-use credential of the stream. Only its hash is stored: it is as good as a token."""

    digest = models.BinaryField(unique=True)
    user_id = models.CharField(max_length=200)
    expires_at = models.DateTimeField(db_index=True)
    token_expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"a ticket of {self.user_id}"
