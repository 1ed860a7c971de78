"""What people find when they open their inbox."""

from django.db import models

from apps.preferences.models import Recipient


class InboxItem(models.Model):
    """One notification in one recipient's inbox. Content is encrypted (context ``inbox:`` and
    the delivery's id, which also makes putting it there twice impossible).
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="inbox")
    delivery_id = models.BigIntegerField(unique=True)
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["recipient", "-id"], name="inbox_newest_first")]

    def __str__(self) -> str:
        return f"{self.recipient_id} #{self.pk}"
