"""Schedules and their runs."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.publishers.models import Publisher
from notifier.recurrence.planning import Misfire

#: The ``time_zone`` of a schedule that recurs on each recipient's own clocks.
RECIPIENT = "recipient"


class ScheduleState(models.TextChoices):
    """The state of a schedule."""

    ACTIVE = "active"  # it has a next occurrence
    PAUSED = "paused"  # somebody paused it
    ENDED = "ended"  # it has no further occurrence


class Schedule(models.Model):
    """A notification that a publisher wants sent again and again.

    The rule is ``rrule`` or ``cron``, on the clocks of ``time_zone``: those of each recipient where
    that is ``RECIPIENT``. Local times are written to the minute (``2026-12-01T09:00``).
    ``notification`` is the encrypted JSON that was posted (context ``schedule:`` + id), validated
    anew for each run.

    Occurrences up to ``over_until`` are over. ``next_at`` is the one after it, and ``due_at`` when
    it is to be run: earlier, where its notification is cut by zones first; later, where it had to
    be put off. Both are null while it is paused and once it has ended. On recipients' own clocks
    an occurrence is kept as the moment at which it begins: when it is that time first, anywhere.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    publisher = models.ForeignKey(Publisher, on_delete=models.PROTECT, db_constraint=False)
    name = models.CharField(max_length=200)
    rrule = models.CharField(max_length=500, blank=True)
    cron = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=64)
    starts_at_local = models.CharField(max_length=16)
    ends_at_local = models.CharField(max_length=16, blank=True)
    # Runs after which it ends. Null: it does not.
    count = models.PositiveIntegerField(null=True)
    misfire = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Misfire])
    # Seconds after its occurrence at which a notification expires. Null: it does not.
    expires_after = models.PositiveIntegerField(null=True)
    # Names, since what they name may be deleted and made again. One of them, or neither: then the
    # notification names recipients.
    topic = models.CharField(max_length=200, blank=True)
    group = models.CharField(max_length=200, blank=True)
    notification = models.BinaryField()
    # The scopes for high priority and critical categories that the key had which wrote it last.
    scopes = ArrayField(models.CharField(max_length=40))
    written_by = models.CharField(max_length=150)
    over_until = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    runs = models.PositiveIntegerField(default=0)
    # Runs in a row that failed, up to the last one.
    failures = models.PositiveIntegerField(default=0)
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "name"], name="schedule_once_a_name")
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="schedule_due"),
            models.Index(fields=["publisher", "id"], name="schedule_of_publisher"),
            models.Index(fields=["name"], name="schedule_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def in_own_zones(self) -> bool:
        """Return whether it recurs on each recipient's own clocks."""
        return self.time_zone == RECIPIENT

    @property
    def state(self) -> ScheduleState:
        """Return what it does now."""
        if self.paused_at is not None:
            return ScheduleState.PAUSED
        return ScheduleState.ENDED if self.next_at is None else ScheduleState.ACTIVE


class RunState(models.TextChoices):
    """The outcome of an occurrence."""

    ACCEPTED = "accepted"  # its notification was accepted
    FAILED = "failed"  # its notification was refused
    SKIPPED = "skipped"  # somebody skipped it
    MISSED = "missed"  # it was too late to run it


class Run(models.Model):
    """The record of one occurrence of a schedule.

    ``occurrence`` is null for a run by hand; ``local`` is its local time where it was on each
    recipient's own clocks, and else empty. ``missed``: number of occurrences before it, up to
    1,000, that nothing became of. ``problem`` is the type of the problem of a failed run, and
    ``detail`` its sentence, or a remark on a run that was accepted.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="records")
    occurrence = models.DateTimeField(null=True)
    local = models.CharField(max_length=16, blank=True, db_default="")
    state = models.CharField(max_length=10, choices=RunState)
    missed = models.PositiveIntegerField(default=0)
    notification_id = models.UUIDField(null=True)
    problem = models.CharField(max_length=40, blank=True)
    detail = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "occurrence"], name="schedule_run_once_an_occurrence"
            )
        ]
        indexes = [models.Index(fields=["schedule", "-id"], name="schedule_run_newest")]

    def __str__(self) -> str:
        return f"{self.state} {self.occurrence or self.at}"
