"""Replies: text messages that people write to our senders."""

from django.db import models

from apps.core.fields import StampField
from apps.publishers.models import Publisher


class Reply(models.Model):
    """A text message that somebody wrote to one of our senders, without its text.

    Kept as long as the trails, so that a request that is repeated changes nothing. ``kind``: see
    ``notifier.replies.Kind``. ``applied``: whether it stopped or resumed anything.

    ``delivery_id`` and ``publisher`` are set where its text was sent to a status webhook: the last
    message to the number, and whose that was. ``address_index``: the keyed hash of the number, by
    which an erasure finds it; null in older rows.
    """

    provider = models.CharField(max_length=40)
    message_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=10)
    applied = models.BooleanField(default=False)
    sender = models.CharField(max_length=64, verbose_name="to", help_text="our number or service")
    masked = models.CharField(max_length=100, verbose_name="from", help_text="masked")
    address_index = models.BinaryField(max_length=16, null=True)
    delivery_id = models.BigIntegerField(null=True)
    publisher = models.ForeignKey(
        Publisher, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name="told to"
    )
    received_at = StampField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "replies"
        constraints = [
            models.UniqueConstraint(fields=["provider", "message_id"], name="reply_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.masked}"
