"""Dead letters: a row for each delivery in the state ``dead``."""

from django.db import models
from django.db.models import Q

from apps.core import delivery_ids
from apps.delivery.models.deliveries import Delivery
from apps.delivery.models.notifications import NotificationKind
from apps.publishers.models import Publisher
from apps.topics.models import Topic


class DeadLetter(models.Model):
    """A delivery in the state ``dead``.

    Inserted when it dies; deleted when it is redriven, or when a late receipt changes its state.

    A table of its own, because an index on the state of deliveries would prevent HOT updates and
    so cost every delivery for the sake of the few dead ones.
    """

    delivery = models.OneToOneField(
        Delivery, primary_key=True, on_delete=models.CASCADE, db_constraint=False
    )
    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, db_constraint=False)
    topic = models.ForeignKey(Topic, null=True, on_delete=models.SET_NULL, db_constraint=False)
    # The notification's kind; that of a digest counts as published.
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
