"""The channels of this installation, by name, as ``settings.CHANNELS`` lists them."""

from functools import cache

from django.conf import settings

from notifier.channels import Channel, load
from notifier.transport.destinations import AllowedDestinations

EMAIL = "email"
INBOX = "inbox"
PUSH = "push"
SMS = "sms"
WEBHOOK = "webhook"


@cache
def all_channels() -> dict[str, Channel]:
    """Return every channel by name, built once per process."""
    return load(settings.CHANNELS)


def check_destination(channel: str, address: str) -> None:
    """Raise ``ValueError`` for an address that is never sent to.

    That is a webhook's on a private network, or on a port that this installation does not call.
    ``address`` is as its channel's ``parse`` returned it.
    """
    if channel == WEBHOOK:
        networks = [
            network
            for entry in settings.PROVIDERS.values()
            if entry["channel"] == WEBHOOK
            for network in entry.get("options", {}).get("allowed_networks", ())
        ]
        AllowedDestinations(networks).check(address)


def get_channel(name: str) -> Channel:
    """Return the channel of that name. Raises ``KeyError`` if there is none."""
    return all_channels()[name]
