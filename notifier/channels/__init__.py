"""Channels: the form of each medium's addresses, and the content it can carry.

In: addresses and content as publishers send them. Out: normalised addresses, and ``ValueError``
for what the channel cannot carry. Imported by ``providers``, ``apps`` and ``config``. A new channel
is one file here and one settings entry.
"""

import importlib
from collections.abc import Mapping
from typing import Protocol

from notifier.domain.messages import Content


class Channel(Protocol):
    """The interface of a channel. ``name`` is its name in the API."""

    name: str

    def parse(self, address: str, platform: str = "") -> str:
        """Return the address in its normal form, in which it is stored and sent to.

        Raises ``ValueError`` with a sentence that says what to do and does not contain the address.
        """
        ...

    def fold(self, address: str) -> str:
        """Return the key that all spellings of one address share, for look-ups and suppressions.

        ``address``: as ``parse`` returned it.
        """
        ...

    def mask(self, address: str) -> str:
        """Return the address for display: enough to recognise one's own, too little to use it."""
        ...

    def check(self, content: Content) -> None:
        """Raise ``ValueError``, naming the field, for content that this channel cannot carry."""
        ...


def load(entries: Mapping[str, str]) -> dict[str, Channel]:
    """Build the channels by name from ``{name: dotted path of the class}``.

    Raises ``ValueError`` where a class has another name than its entry.
    """
    found: dict[str, Channel] = {}
    for name, path in entries.items():
        module, _, attribute = path.rpartition(".")
        channel: Channel = getattr(importlib.import_module(module), attribute)()
        if channel.name != name:
            raise ValueError(f'the channel "{name}" is {path}, whose name is "{channel.name}"')
        found[name] = channel
    return found
