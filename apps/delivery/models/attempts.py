"""Attempts: calls to providers."""

from django.db import models


class Attempt(models.Model):
    """One call to a provider for a delivery.

    A call that carries several deliveries is an attempt of each.
    """

    pk = models.CompositePrimaryKey("delivery_id", "number")
    delivery_id = models.BigIntegerField()
    number = models.SmallIntegerField()
    provider = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField()
    outcome = models.CharField(max_length=10)
    reason = models.CharField(max_length=40, blank=True)
    status = models.SmallIntegerField(null=True)
    detail = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"attempt {self.number} of delivery {self.delivery_id}"
