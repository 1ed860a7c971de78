"""Signal receivers that invalidate cached publishers and keys when a row is written."""

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.publishers import selectors
from apps.publishers.models import ApiKey, Publisher


@receiver([post_save, post_delete], sender=Publisher)
def publisher_changed(instance: Publisher, **_: object) -> None:
    """Invalidate the publisher by id and by name."""
    selectors.publishers.changed(instance.pk)
    selectors.publisher_ids.changed(instance.name)


@receiver([post_save, post_delete], sender=ApiKey)
def key_changed(instance: ApiKey, **_: object) -> None:
    """Invalidate the key by its prefix."""
    selectors.keys.changed(instance.prefix)
