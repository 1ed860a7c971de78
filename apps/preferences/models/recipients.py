"""People."""

from django.core.exceptions import ValidationError
from django.db import models

from apps.core.fields import StampField


class Recipient(models.Model):
    """A person, identified by the company's own ``user_id``.

    ``name`` and ``attributes`` are for templates, and encrypted by ``apps.preferences.profiles``.
    ``quiet_hours`` is the person's own schedule (``notifier.domain.times.quiet_hours``); null where
    the company's applies.
    """

    user_id = models.CharField(max_length=200, unique=True)
    locale = models.CharField(max_length=35, blank=True, help_text="BCP 47, e.g. de-AT")
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="IANA name; UTC stands for the company's zone"
    )
    quiet_hours = models.JSONField(
        null=True,
        blank=True,
        help_text="their own schedule, as in the API; empty where the company's applies",
    )
    name = models.BinaryField(null=True, blank=True, help_text="encrypted")
    attributes = models.BinaryField(null=True, blank=True, help_text="JSON, encrypted")
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    def __str__(self) -> str:
        return self.user_id

    def clean(self) -> None:
        """Check and normalize what was written by hand in the admin as the API does."""
        from apps.preferences.quiet_hours import schedules  # needs all models loaded

        if self.quiet_hours is None:
            return
        try:
            self.quiet_hours = schedules.parse(self.quiet_hours).as_json()
        except ValueError as error:
            raise ValidationError({"quiet_hours": str(error)}) from None
