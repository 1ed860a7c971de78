"""The channels of this installation, by name, as ``settings.CHANNELS`` lists them."""

from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

INBOX = "inbox"
PUSH = "push"
WEBHOOK = "webhook"


class Channel(Protocol):
    """What this app needs of a channel; ``notifier.channels`` has the whole."""

    def parse(self, address: str, platform: str = "") -> str:
        """The address in its one true form; ``ValueError`` says what is wrong with it."""
        ...

    def mask(self, address: str) -> str:
        """The address as people may see it."""
        ...


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel by name, built once a process."""
    return {name: import_string(path)() for name, path in settings.CHANNELS.items()}


def get_channel(name: str) -> Channel:
    """The channel; ``KeyError`` if there is none of that name."""
    return all_channels()[name]
