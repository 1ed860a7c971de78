"""People's own frequency caps."""

from django.db import models

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.preferences.models.recipients import Recipient
from notifier.domain.frequency import Per


class FrequencyCap(models.Model):
    """A person's own cap: at most ``most`` notifications ``per`` hour, day or week on a channel.

    An empty category means all that the channel carries. Written by
    ``apps.preferences.frequency.services`` only.
    """

    recipient = models.ForeignKey(
        Recipient, on_delete=models.CASCADE, related_name="frequency_caps"
    )
    channel = models.CharField(max_length=20)
    category = CategoryField(max_length=100, blank=True)
    most = models.PositiveSmallIntegerField()
    per = models.CharField(max_length=4, choices=[(per.value, per.value) for per in Per])
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "channel", "category", "per"], name="frequency_cap_once"
            )
        ]
        indexes = [models.Index(fields=["channel"], name="frequency_cap_on_channel")]

    def __str__(self) -> str:
        about = f"{self.channel} {self.category}".strip()
        return f"{self.recipient}: {about} {self.most}/{self.per}"
