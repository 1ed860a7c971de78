"""Templates, their versions and translations."""

import json
from typing import Any

from django.db import models
from django.db.models import Q

from apps.core.fields import StampField
from apps.preferences.fields import CategoryField
from apps.publishers.models import Publisher
from notifier.transport.strict_json import LARGEST, SMALLEST


class StoredJson(json.JSONDecoder):
    """Decode JSON from ``jsonb``, with whole numbers beyond 64 bits as floats.

    ``jsonb`` writes 1e300 with 300 zeros, and orjson cannot encode such a whole number. It was
    posted as a float: the API refuses whole numbers of that size.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_int=_number, **options)


def _number(written: str) -> int | float:
    number = int(written)
    return number if SMALLEST <= number <= LARGEST else float(written)


class Template(models.Model):
    """A publisher's named template of notifications.

    The row of a deleted template stays, for the notifications that refer to its versions; its name
    is free again.
    """

    publisher = models.ForeignKey(Publisher, on_delete=models.PROTECT, related_name="templates")
    name = models.CharField(max_length=200)
    display_name = models.CharField(max_length=200, blank=True)
    created_at = StampField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["publisher", "name"],
                condition=Q(deleted_at__isnull=True),
                name="template_once_a_name",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Unchanging(models.Model):
    """A row that never changes, since accepted notifications are rendered from it later."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"a {self._meta.verbose_name} never changes; make a new version")
        super().save(*args, **options)


class TemplateVersion(Unchanging):
    """A version of a template. ``number`` counts from 1 for each template."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    default_locale = models.CharField(max_length=35, help_text="BCP 47, e.g. en")
    category = CategoryField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="of notifications that name none, to no topic that has one",
    )
    created_at = StampField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="template_version_once_a_number"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class Translation(Unchanging):
    """The texts of a version on one channel in one locale.

    ``actions`` are pairs of label and URL, since ``jsonb`` does not preserve an object's order.
    """

    version = models.ForeignKey(
        TemplateVersion, on_delete=models.CASCADE, related_name="translations"
    )
    channel = models.CharField(max_length=20)
    locale = models.CharField(max_length=35)
    title = models.TextField(blank=True)
    body = models.TextField(blank=True)
    html = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True, decoder=StoredJson)
    actions = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "channel", "locale"], name="translation_once"
            )
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.channel} in {self.locale}"
