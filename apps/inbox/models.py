"""What people find when they open their inbox."""

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.inbox.statuses import Status
from apps.preferences.models import Recipient


class InboxItem(models.Model):
    """One notification in one recipient's inbox.

    Title, body, data and actions are encrypted (context ``inbox:`` and the delivery's id, which
    also makes putting it there twice impossible). What may be filtered by is not. An item that
    was acknowledged was read, too; one that was deleted is gone.
    """

    # Without a constraint, which would look at the recipient's row once more for each item; the
    # indexes below begin with it.
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
            # Counts what is unread and not expired without a look at the rows.
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
        """Where it stands."""
        if self.acknowledged_at is not None:
            return Status.ACKNOWLEDGED
        return Status.UNREAD if self.read_at is None else Status.READ
