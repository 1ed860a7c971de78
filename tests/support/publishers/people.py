"""Recipients, their addresses and their subscriptions, as rows."""

from typing import Any

from apps.preferences import vault
from apps.preferences.models import Contact, Recipient
from apps.topics.models import Subscription, Topic


def recipient(user_id: str, **addresses: str) -> Recipient:
    """A person with an inbox and these addresses: ``email=…``, ``push_ios=token``."""
    person = Recipient.objects.create(user_id=user_id)
    for name, address in {"inbox": user_id, **addresses}.items():
        channel, _, platform = name.partition("_")
        contact(channel, address, recipient=person, platform=platform)
    return person


def contact(channel: str, address: str, **fields: Any) -> Contact:
    """An address, sealed as the service stores it; ``fields`` are the row's others."""
    sealed = vault.seal(channel, address)
    return Contact.objects.create(
        channel=channel,
        address=sealed.ciphertext,
        address_index=sealed.index,
        masked=sealed.masked,
        **fields,
    )


def subscribe(topic: Topic, person: Recipient, *channels: str) -> None:
    """Subscribe a person to the topic, once for each channel."""
    for channel in channels:
        Subscription.objects.create(topic=topic, recipient=person, channel=channel)
