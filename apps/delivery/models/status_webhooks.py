"""Status webhooks: endpoints that receive events about a publisher's deliveries."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.fields import StampField
from apps.publishers.models import Publisher


class StatusWebhook(models.Model):
    """An endpoint of a publisher that receives an event when its deliveries reach a state.

    ``contact`` is the endpoint with its signing secret; ``events`` are the states.
    """

    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey("preferences.Contact", on_delete=models.CASCADE, related_name="+")
    events = ArrayField(models.CharField(max_length=20))
    created_at = StampField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["publisher", "contact"], name="status_webhook_once_an_endpoint"
            )
        ]

    def __str__(self) -> str:
        return f"{self.publisher_id}: {', '.join(self.events)}"
