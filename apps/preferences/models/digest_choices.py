"""Choices of how often people are sent what may wait."""

from django.db import models

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.preferences.models.recipients import Recipient
from notifier.domain.digests import Cadence


class DigestChoice(models.Model):
    """A person's choice to be sent a category at once, or together in digests.

    An empty category means all that have no row of their own. ``own``: the person chose it, and no
    publisher changes it any more. Written by ``apps.preferences.digests.services`` only.
    """

    recipient = models.ForeignKey(
        Recipient, on_delete=models.CASCADE, related_name="digest_choices"
    )
    category = CategoryField(max_length=100, blank=True)
    cadence = models.CharField(max_length=7, choices=[(one.value, one.value) for one in Cadence])
    own = models.BooleanField(default=False, db_default=False)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recipient", "category"], name="digest_choice_once")
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.category or 'everything'} {self.cadence}"
