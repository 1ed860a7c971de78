"""Signal receivers that ask new contacts to confirm subscriptions that need it."""

from collections.abc import Collection

from django.dispatch import receiver

from apps.preferences.contacts.services import contacts_written
from apps.topics.confirmation import requests


@receiver(contacts_written)
def contacts_changed(recipient_ids: Collection[int], **_: object) -> None:
    """Queue confirmations for these recipients' new contacts."""
    requests.ask_new_contacts(recipient_ids)
