"""Answers: what people did with a notification that has steps."""

from django.db import models
from django.db.models import Q


class AnswerSource(models.TextChoices):
    """The place where somebody read or acknowledged a notification."""

    INBOX = "inbox"
    API = "api"


class Answer(models.Model):
    """A person has read a notification, or acknowledged it.

    ``acknowledged_at`` is null where they only read it. ``source``: of the first of the two.
    """

    notification_id = models.UUIDField()
    recipient_id = models.BigIntegerField()
    source = models.CharField(max_length=10)
    read_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notification_id", "recipient_id"], name="answer_once_a_person"
            )
        ]
        indexes = [
            models.Index(
                fields=["notification_id", "acknowledged_at"],
                condition=Q(acknowledged_at__isnull=False),
                name="answer_acknowledged",
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient_id} answered {self.notification_id}"
