"""The catalogue of categories."""

from django.db import models

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from notifier.domain.categories import CategoryKind


class Category(models.Model):
    """A kind of news in the company's catalogue, by which people choose what they get.

    Topics, templates, notifications and preferences name it; a name without a row is a category of
    kind ``transactional`` without texts (``apps.preferences.categories.catalogue``).
    ``display_name`` and ``description`` are texts by locale. ``defaults`` has the channels on which
    it is not sent, or is (``{"sms": false}``), to people who have chosen nothing.
    """

    name = CategoryField(max_length=100, unique=True)
    kind = models.CharField(
        max_length=13,
        default=CategoryKind.TRANSACTIONAL,
        choices=[(kind.value, kind.value) for kind in CategoryKind],
    )
    default_locale = models.CharField(
        max_length=35, default="en", help_text="of readers whose own locale has no text"
    )
    display_name = models.JSONField(default=dict, blank=True, help_text='{"en": "Your orders"}')
    description = models.JSONField(default=dict, blank=True, help_text="texts by locale, likewise")
    defaults = models.JSONField(
        default=dict,
        blank=True,
        help_text='by channel, for people who have chosen nothing: {"sms": false}',
    )
    position = models.PositiveSmallIntegerField(
        default=0, help_text="the order on people's pages, ascending"
    )
    frequency_caps = models.JSONField(
        null=True,
        blank=True,
        help_text="how many of it one person is sent at most: "
        '[{"channel": "sms", "limit": 1, "per": "week"}]',
    )
    digest = models.JSONField(
        null=True,
        blank=True,
        help_text='tells one person of several together: {"window": 3600} or {"at": "09:00"}',
    )
    created_at = StampField(auto_now_add=True)
    updated_at = StampField(auto_now=True)

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check and normalize what was written by hand in the admin as the API does."""
        from apps.preferences.api.choices import category_serializers  # needs all models loaded

        category_serializers.normalize_row(self)
