"""Bulk actions, and how far each is."""

import uuid
from enum import StrEnum

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField


class BulkState(StrEnum):
    """The state of a bulk action: waiting, running, done or aborted."""

    WAITING = "waiting"  # nothing of it is done
    RUNNING = "running"  # some batches are done
    DONE = "done"  # nothing is left that it matches
    ABORTED = "aborted"  # somebody ended it; what was done stays done


class ActionKind(models.TextChoices):
    """The kinds of bulk actions, by what is done to each row that matches."""

    REDRIVE = "redrive"  # dead letters are sent again, from the start of their retry policy
    RELEASE = "release"  # deliveries that wait after a failed attempt are tried now
    CANCEL = "cancel"  # of notifications what has not been sent is not sent
    RESTORE = "restore"  # what a provider's error disabled and suppressed is undone
    LIFT = "lift"  # suppressions are lifted


class BulkAction(models.Model):
    """One action on everything that ``match`` finds among the rows of that time.

    - ``id``: a UUIDv7. ``publisher_id``: whose rows; null: everybody's, which operators ask for.
    - ``match``: the criteria by name, as JSON; see the module of the action. Those that tell of
      people are taken out when it ends (``actions.base.impersonal``).
    - ``asked_kind``, ``asked_by``: the actor, as the audit trail has it.
    - ``total``: how many rows matched when it began; null until then, and where counting took
      too long.
    - ``done``: how many of them it has gone through; ``counts``: what became of them, by name.
    - ``cursor``: behind which row it goes on.
    - ``leased_until``: until when a process works on it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    action = models.CharField(max_length=10)
    publisher_id = models.BigIntegerField(null=True)
    match = models.JSONField(default=dict)
    asked_kind = models.CharField(max_length=10)
    asked_by = models.CharField(max_length=150)
    total = models.BigIntegerField(null=True)
    done = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    cursor = models.CharField(max_length=40, blank=True, default="")
    requested_at = StampField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    aborted_by = models.CharField(max_length=150, blank=True, default="")
    leased_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "bulk action"
        indexes = [
            models.Index(fields=["publisher_id", "-id"], name="bulk_of_publisher"),
            models.Index(fields=["id"], condition=Q(finished_at=None), name="bulk_unfinished"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"

    @property
    def state(self) -> BulkState:
        """Return how far it is."""
        if self.finished_at is not None:
            return BulkState.ABORTED if self.aborted_by else BulkState.DONE
        return BulkState.WAITING if self.started_at is None else BulkState.RUNNING
