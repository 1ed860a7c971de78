"""Whoever writes a person's contacts, the new ones are asked to confirm where that is wanted."""

from collections.abc import Collection
from typing import Any

from django.dispatch import receiver

from apps.preferences.contacts.services import contacts_written
from apps.topics.confirmation import requests


@receiver(contacts_written)
def contacts_changed(recipient_ids: Collection[int], **_: Any) -> None:
    requests.ask_new_contacts(recipient_ids)
