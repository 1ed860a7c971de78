"""Preferences: refusals and permissions of people."""

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.preferences.models.recipients import Recipient


class Preference(models.Model):
    """A recipient's choice to allow or refuse notifications of a channel, topic or category.

    An empty channel or category and a topic of null mean "any". The most specific row decides: a
    topic beats a category, either beats none, and a channel beats any channel.
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="preferences")
    channel = models.CharField(max_length=20, blank=True)
    # A plain id, not a foreign key: this app must not import apps.topics.
    topic_id = models.BigIntegerField(null=True, blank=True)
    category = CategoryField(max_length=100, blank=True)
    allowed = models.BooleanField()
    # Written on a page that a link opens: what a page refused, a page may allow again.
    # ``linked_at`` is ``updated_at`` then; a process that knows neither column changes that alone.
    by_link = models.BooleanField(default=False, db_default=False, editable=False)
    linked_at = models.DateTimeField(null=True, editable=False)
    updated_at = StampField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "channel", "topic_id"],
                condition=Q(topic_id__isnull=False),
                name="preference_once_a_topic",
            ),
            models.UniqueConstraint(
                fields=["recipient", "channel", "category"],
                condition=Q(topic_id__isnull=True),
                name="preference_once_a_category",
            ),
        ]

    def __str__(self) -> str:
        verb = "wants" if self.allowed else "refuses"
        return f"{self.recipient} {verb} {self.channel or 'every channel'}"

    @property
    def chosen_by_link(self) -> bool:
        """Return whether it was last written on a page that a link opens."""
        return self.by_link and self.linked_at == self.updated_at
