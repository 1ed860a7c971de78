"""The channels: how each medium writes addresses and what it can carry.

A new channel is one file here and one settings entry.
"""

import importlib
from collections.abc import Mapping
from typing import Protocol

from notifier.domain.messages import Content


class Channel(Protocol):
    """What every channel knows. ``name`` is the word it has in the API."""

    name: str

    def parse(self, address: str, platform: str = "") -> str:
        """The address in its one true form, the one that is stored and sent to.

        Raises ``ValueError`` with a sentence that says what to do, without the address in it.
        """
        ...

    def fold(self, address: str) -> str:
        """What two spellings of one address have in common: by this it is found and protected.

        ``address`` is as ``parse`` returned it.
        """
        ...

    def mask(self, address: str) -> str:
        """The address as people may see it: enough to recognise one's own, not to use it."""
        ...

    def check(self, content: Content) -> None:
        """Raises ``ValueError``, naming the field, for content this channel cannot carry."""
        ...


def load(entries: Mapping[str, str]) -> dict[str, Channel]:
    """Channels by name from ``{name: dotted path of the class}``."""
    found: dict[str, Channel] = {}
    for name, path in entries.items():
        module, _, attribute = path.rpartition(".")
        channel: Channel = getattr(importlib.import_module(module), attribute)()
        if channel.name != name:
            raise ValueError(f'the channel "{name}" is {path}, whose name is "{channel.name}"')
        found[name] = channel
    return found
