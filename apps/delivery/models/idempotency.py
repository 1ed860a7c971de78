"""Idempotency keys and deduplication: what keeps a request from being accepted twice."""

from django.db import models

from apps.publishers.models import Publisher


class IdempotencyKey(models.Model):
    """An Idempotency-Key of a publisher with the answer to its first request.

    Kept for ``NOTIFIER_IDEMPOTENCY_HOURS``.
    """

    publisher = models.ForeignKey(
        Publisher, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.key


class Deduplication(models.Model):
    """Content, audience and channels that a publisher wants accepted only once before ``until``."""

    publisher = models.ForeignKey(Publisher, on_delete=models.CASCADE, db_constraint=False)
    # A keyed hash of the content, the audience and the channels.
    fingerprint = models.BinaryField(max_length=32)
    notification_id = models.UUIDField(null=True)
    until = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["publisher", "fingerprint"], name="deduplication_once")
        ]

    def __str__(self) -> str:
        return f"{self.notification_id} until {self.until}"
