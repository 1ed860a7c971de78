"""Signal receivers: new contacts are asked to confirm, and topics' categories are catalogued."""

from collections.abc import Collection

from django.db.models.signals import post_save
from django.dispatch import receiver

from apps.preferences.categories.services import MOST_NAMED, category_used, ensure_category
from apps.preferences.contacts.services import contacts_written
from apps.topics.confirmation import requests
from apps.topics.models import Topic


@receiver(contacts_written)
def contacts_changed(recipient_ids: Collection[int], **_: object) -> None:
    """Queue confirmations for these recipients' new contacts."""
    requests.ask_new_contacts(recipient_ids)


@receiver(post_save, sender=Topic)
def topic_written(instance: Topic, **_: object) -> None:
    """Add the topic's category to the catalogue if it is new."""
    ensure_category(instance.category)


@receiver(category_used)
def topics_of_category(name: str, **_: object) -> list[str]:
    """Name topics that are in the category."""
    rows = Topic.objects.filter(category=name, deleted_at=None).order_by("pk")[:MOST_NAMED]
    return [f"the topic {row.name}" for row in rows]
