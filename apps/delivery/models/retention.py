"""Retention: rules for contents and records, and how far the work on them is."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.publishers.models import Publisher


class RetentionRule(models.Model):
    """The days for which notifications of a publisher, a category, or both are kept.

    An empty publisher or category means any; both empty would be the settings', and is refused. The
    most specific rule that names a number decides: of both, of the category, of the publisher.
    """

    publisher = models.ForeignKey(
        Publisher, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    category = CategoryField(max_length=100, blank=True)
    content_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="of title, body, data and variables; empty for what applies otherwise",
    )
    # Frequency caps count what was sent within a week.
    record_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(8)],
        help_text="of notifications, deliveries and attempts; empty for what applies otherwise",
    )
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            # Two partial constraints, since PostgreSQL 14 has no NULLS NOT DISTINCT.
            models.UniqueConstraint(
                fields=["publisher", "category"],
                condition=models.Q(publisher__isnull=False),
                name="retention_once_a_publisher",
            ),
            models.UniqueConstraint(
                fields=["category"],
                condition=models.Q(publisher__isnull=True),
                name="retention_once_a_category",
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, [str(self.publisher or ""), self.category]))

    def clean(self) -> None:
        """Check what was written by hand in the admin."""
        if self.publisher is None and not self.category:
            raise ValidationError(
                "Name a publisher, a category, or both: the settings have the rest."
            )


class RetentionMark(models.Model):
    """Up to which notification (``up_to``) those of one age have been looked at.

    ``name`` says what is deleted and at what age, or that counts are rolled up. Notifications are
    looked at in the order of their ids, which is that of acceptance, so that no run reads what an
    earlier one has read.
    """

    name = models.CharField(max_length=40, primary_key=True)
    up_to = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.name} up to {self.up_to}"


class RetentionDeferral(models.Model):
    """A notification whose content or record was not to be deleted when its age was looked at.

    It is looked at again at ``due_at``: it was scheduled for later, had work left, or is kept for
    longer by its expiry.
    """

    notification_id = models.UUIDField()
    what = models.CharField(max_length=7, help_text="content or record")
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notification_id", "what"], name="retention_deferred_once"
            )
        ]
        indexes = [models.Index(fields=["what", "due_at"], name="retention_due")]

    def __str__(self) -> str:
        return f"the {self.what} of {self.notification_id} until {self.due_at}"
