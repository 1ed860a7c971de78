"""Counts of deliveries and attempts, kept as they change."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class StateCount(models.Model):
    """Number of a notification's deliveries in a state, updated as they move.

    Kept for notifications with ``counts_kept``: those to more than one recipient.
    Spread over ``slot`` rows, so that claims that end together do not wait for one row; a negative
    slot holds rows that ``apps.delivery.maintenance.rollup`` added up.
    """

    pk = models.CompositePrimaryKey("notification_id", "channel", "state", "slot")
    notification_id = models.UUIDField()
    channel = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.channel} {self.state}: {self.count}"


class HourCount(models.Model):
    """Moves of deliveries into a state less moves out of it, by the hour of the move.

    The sum over all hours is the number of deliveries in the state now; the count of one hour is
    the change in that hour. ``topic_id`` is 0 for a notification without a topic. Spread over slots
    as ``StateCount`` is; a negative slot holds rows that ``apps.delivery.maintenance.rollup`` added
    up.
    """

    pk = models.CompositePrimaryKey("publisher_id", "topic_id", "hour", "channel", "state", "slot")
    publisher_id = models.BigIntegerField()
    topic_id = models.BigIntegerField()
    hour = models.DateTimeField()
    channel = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()

    class Meta:
        # Leads the roll-up to rows that are not rolled up yet.
        indexes = [models.Index(fields=["slot", "hour"], name="hour_count_to_fold")]

    def __str__(self) -> str:
        return f"{self.hour:%d %H:00} {self.channel} {self.state}: {self.count}"


class PendingCount(models.Model):
    """A move of deliveries to be counted later, because a table of counts was locked."""

    notification_id = models.UUIDField(db_index=True)
    channel = models.CharField(max_length=20)
    state = models.CharField(max_length=10)
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.channel} {self.state}: {self.count}"


class MinuteCount(models.Model):
    """Number of attempts by minute, channel, provider, outcome and reason; kept for two days.

    ``delivered``: deliveries that arrived, by the call's answer or by a receipt. ``latencies``: two
    histograms (``notifier.domain.histograms``), one after the other: of how long the calls took,
    and, if there is any, of the waits from acceptance to the first call at high priority.
    """

    pk = models.CompositePrimaryKey("minute", "channel", "provider", "outcome", "reason", "slot")
    minute = models.DateTimeField()
    channel = models.CharField(max_length=20)
    provider = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10)
    reason = models.CharField(max_length=40)
    slot = models.SmallIntegerField()
    count = models.BigIntegerField()
    delivered = models.BigIntegerField(db_default=0)
    latencies = ArrayField(models.IntegerField(), null=True)

    def __str__(self) -> str:
        return f"{self.minute:%H:%M} {self.provider} {self.outcome}: {self.count}"


class SpanCount(models.Model):
    """Attempts of ``MinuteCount`` by one provider, added up over five minutes or an hour.

    ``apps.delivery.maintenance.rollup`` writes and deletes them. ``seconds``: the span's length.
    ``reasons``: the number of failed attempts by reason.
    """

    pk = models.CompositePrimaryKey("seconds", "since", "channel", "provider")
    seconds = models.SmallIntegerField()
    since = models.DateTimeField()
    channel = models.CharField(max_length=20)
    provider = models.CharField(max_length=40)
    accepted = models.BigIntegerField()
    failed = models.BigIntegerField()
    delivered = models.BigIntegerField()
    reasons = models.JSONField()
    latencies = ArrayField(models.IntegerField())

    def __str__(self) -> str:
        return f"{self.since:%d %H:%M} {self.seconds} s {self.provider}: {self.accepted} accepted"
