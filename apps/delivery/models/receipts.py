"""Receipts: what providers report later."""

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField


class Receipt(models.Model):
    """One call of a provider that reports on deliveries, stored before it is read.

    ``body`` is the encrypted request (context ``receipt:`` + provider). ``read_at`` is when its
    events were applied to the deliveries; the body is emptied then, and kept where the receipt
    could not be read.
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
    """One event of a receipt about one delivery, in the provider-independent vocabulary.

    ``pending``: it arrived before the attempt was recorded, and is applied after that.
    """

    delivery_id = models.BigIntegerField()
    provider = models.CharField(max_length=40)
    event = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    # The provider's id of the message: a delivery may have had several.
    message_id = models.CharField(max_length=200, blank=True, db_default="")
    at = models.DateTimeField()
    pending = models.BooleanField(default=False, db_default=False)
    # True once the message is known to be the delivery's; until then the event has no effect.
    attributed = models.BooleanField(default=True, db_default=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(pending=True), name="receipt_event_pending")
        ]
        constraints = [
            # Providers repeat receipts.
            models.UniqueConstraint(
                fields=["delivery_id", "provider", "event", "at", "message_id"],
                name="receipt_event_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.event} for delivery {self.delivery_id}"
