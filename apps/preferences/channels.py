"""The channels of this installation, by name, as ``settings.CHANNELS`` lists them."""

from functools import cache

from django.conf import settings

from notifier.channels import Channel, load

EMAIL = "email"
INBOX = "inbox"
PUSH = "push"
WEBHOOK = "webhook"


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel by name, built once a process."""
    return load(settings.CHANNELS)


def get_channel(name: str) -> Channel:
    """The channel; ``KeyError`` if there is none of that name."""
    return all_channels()[name]
