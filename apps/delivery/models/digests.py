"""Digests: what several notifications to one person wait in, to be told in one message."""

from django.db import models

from apps.core import delivery_ids


class OpenDigest(models.Model):
    """A digest that notifications may still join; deleted when its message is claimed.

    ``delivery_id``: the delivery that tells it, which waits until the digest closes. A delivery
    that joins names it in ``Delivery.told_in``. ``items``: how many have joined. There is one at a
    time for each publisher, contact, category and key, and for each topic of another publisher
    (``topic_id``; 0 for all else): whoever publishes there may not know who its subscribers are,
    and would learn it from a digest that tells something else, too.
    """

    publisher_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    recipient_id = models.BigIntegerField()
    category = models.CharField(max_length=100)
    key = models.CharField(max_length=128)
    topic_id = models.BigIntegerField(db_default=0, default=0)
    delivery_id = models.BigIntegerField(unique=True)
    notification_id = models.UUIDField()
    items = models.IntegerField()
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact_id", "publisher_id", "category", "key", "topic_id"],
                name="digest_open_once",
            )
        ]
        indexes = [models.Index(fields=["recipient_id"], name="digest_of_recipient")]

    def __str__(self) -> str:
        return f"digest told in {delivery_ids.public_id(self.delivery_id)}"
