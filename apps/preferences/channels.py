"""The channels of this installation, by name, as ``settings.CHANNELS`` lists them."""

from functools import cache

from django.conf import settings

from notifier.channels import Channel, load
from notifier.transport.reach import Reach

EMAIL = "email"
INBOX = "inbox"
PUSH = "push"
SMS = "sms"
WEBHOOK = "webhook"


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel by name, built once a process."""
    return load(settings.CHANNELS)


def check_destination(channel: str, address: str) -> None:
    """Raise ``ValueError`` for an address, as its channel parsed it, that is never sent to: a
    webhook's to a private network or a port that this installation does not call."""
    if channel == WEBHOOK:
        networks = [
            network
            for entry in settings.PROVIDERS.values()
            if entry["channel"] == WEBHOOK
            for network in entry.get("options", {}).get("allowed_networks", ())
        ]
        Reach(networks).check(address)


def get_channel(name: str) -> Channel:
    """The channel; ``KeyError`` if there is none of that name."""
    return all_channels()[name]
