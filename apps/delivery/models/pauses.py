"""Providers that are paused, topics that were resumed, and what is held after a restore.

And how far the database is, by which a restore is recognised.
"""

from uuid import uuid4

from django.db import models


class ProviderSwitch(models.Model):
    """A provider paused by an operator: nothing is sent through it until it is resumed."""

    provider = models.CharField(max_length=40, primary_key=True)
    paused_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.provider} is paused"


class TopicRelease(models.Model):
    """A resumed topic with deliveries that are still to be made due by the sweeper."""

    topic_id = models.BigIntegerField(primary_key=True)
    resumed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"topic {self.topic_id} was resumed"


class HeldDelivery(models.Model):
    """A delivery that was open when the database was restored, and is held.

    ``due_at`` and ``reason``: those it had before, which it has again when it is released. It is
    found and counted by the others: ``category`` and ``accepted_at`` are those of its
    notification, or its topic's category.
    """

    delivery_id = models.BigIntegerField(primary_key=True)
    notification_id = models.UUIDField()
    due_at = models.DateTimeField()
    reason = models.CharField(max_length=40, blank=True)
    publisher_id = models.BigIntegerField()
    channel = models.CharField(max_length=20)
    category = models.CharField(max_length=100, blank=True)
    accepted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"delivery {self.delivery_id} is held"


class DatabaseAge(models.Model):
    """The minutes for which this database was in use: one row. Redis remembers them, too.

    ``database`` names the database: its copies have it, and a new one has another, and so has one
    that was held. ``origin`` is the first name of one that was held, which all of its copies share.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    database = models.UUIDField(default=uuid4)
    origin = models.UUIDField(null=True)
    minutes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.minutes} minutes"
