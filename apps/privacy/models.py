"""Erasures of people, and the keys under which everybody's data is encrypted."""

import uuid
from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core.fields import StampField


class ErasureState(StrEnum):
    """The progress of an erasure."""

    ERASING = "erasing"  # the person is unreachable, and their rows are being erased
    DONE = "done"  # nothing names them any more


class Erasure(models.Model):
    """The erasure of one person, and how far it is.

    ``subject`` is a keyed hash of the ``user_id``, by which a repeated request finds the row. What
    the erasure itself needs of the person (``user_id``, encrypted in the context ``erasure:`` + id,
    and the ids by which deliveries know them) is emptied when it is done. ``deliveries``: how many
    it has erased them from.

    - ``numbers``: their phone numbers, masked by keyed hash, as JSON, encrypted like ``user_id`` in
      the context ``erasure-numbers:`` + id.
    - ``leased_until``: until when a process works on it; in the past, when its last turn ended.
    - ``cleared_at``: when nothing in deliveries and chunks referred to them any more: transactions
      that began before are waited for.
    - ``notification_ids``: those of the last day that it emptied, whose idempotency keys go.
    - ``step``, ``position``: how far it has looked through what has their name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.BinaryField(max_length=16)
    user_id = models.BinaryField()
    numbers = models.BinaryField(default=b"", db_default=b"")
    recipient_id = models.BigIntegerField(null=True)
    contact_ids = ArrayField(models.BigIntegerField(), default=list)
    deliveries = models.BigIntegerField(default=0)
    requested_at = StampField(auto_now_add=True)
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)
    notification_ids = ArrayField(models.UUIDField(), default=list, db_default=[])
    step = models.PositiveSmallIntegerField(default=0, db_default=0)
    position = models.CharField(max_length=40, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["subject", "-requested_at"], name="erasure_of_subject"),
            models.Index(
                fields=["requested_at"], condition=Q(finished_at=None), name="erasure_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def state(self) -> ErasureState:
        """Return how far it is."""
        return ErasureState.ERASING if self.finished_at is None else ErasureState.DONE


class EncryptionKey(models.Model):
    """A key of ``NOTIFIER_ENCRYPTION_KEYS``, by its id there; the key itself is not stored.

    ``since``: when it first came into use. ``first_at``: when it last became the first one there.
    ``retired_at``: when nothing was found any more that is encrypted with it.
    """

    id = models.PositiveIntegerField(primary_key=True)
    since = models.DateTimeField()
    first_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"encryption key {self.pk}"
