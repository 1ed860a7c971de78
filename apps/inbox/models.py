"""The items of people's inboxes."""

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.inbox.statuses import Status
from apps.preferences.models import Recipient


class InboxItem(models.Model):
    """A notification in a recipient's inbox.

    Title, body, data and actions are encrypted (context ``inbox:`` and the delivery's id); the
    fields of filters are not. ``delivery_id`` is unique, so that no message is stored twice. An
    acknowledged item counts as read, too. Deleting an item deletes its row.
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
    read_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["recipient", "-id"], name="inbox_newest_first"),
            # Counts unread items that have not expired without reading the rows.
            models.Index(
                fields=["recipient", "expires_at"],
                condition=Q(read_at__isnull=True),
                name="inbox_unread",
            ),
            models.Index(fields=["expires_at"], name="inbox_expired"),
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} #{self.pk}"

    @property
    def status(self) -> Status:
        """The status, from the two times."""
        if self.acknowledged_at is not None:
            return Status.ACKNOWLEDGED
        return Status.UNREAD if self.read_at is None else Status.READ
