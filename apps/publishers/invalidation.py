"""Whoever writes a publisher or a key, cached copies go."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.publishers import selectors
from apps.publishers.models import ApiKey, Publisher


@receiver([post_save, post_delete], sender=Publisher)
def publisher_changed(instance: Publisher, **_: Any) -> None:
    selectors.publishers.changed(instance.pk)
    selectors.publisher_ids.changed(instance.name)


@receiver([post_save, post_delete], sender=ApiKey)
def key_changed(instance: ApiKey, **_: Any) -> None:
    selectors.keys.changed(instance.prefix)
