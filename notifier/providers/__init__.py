"""Providers: the services that messages are sent through, built from settings entries.

In: messages. Out: one ``Sent`` with an outcome for each. Imported by ``dispatch``, ``receipts`` and
``apps.delivery``. An entry is ``{"class": dotted path, "channel": name, "platforms": [...] or
absent, "options": {...}}``. A new provider is one file in this package and one entry.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notifier.providers.base import Provider


@dataclass(slots=True)
class Route:
    """A settings entry: which messages a provider takes, and the provider itself.

    The provider is imported and built on first use, so that a process that sends no push does not
    load Firebase's library.
    """

    name: str
    path: str
    channel: str
    platforms: frozenset[str]
    options: Mapping[str, Any]
    _provider: Provider | None = field(default=None, init=False, repr=False)

    def takes(self, channel: str, platform: str) -> bool:
        """Return whether it takes such messages; empty ``platforms`` mean every platform."""
        return channel == self.channel and (not self.platforms or platform in self.platforms)

    @property
    def built(self) -> bool:
        return self._provider is not None

    def provider(self) -> Provider:
        """Return the provider. Raises what its import, an option or a missing file raises."""
        if self._provider is None:
            module, _, name = self.path.rpartition(".")
            factory = getattr(importlib.import_module(module), name)
            self._provider = factory(self.name, **self.options)
        return self._provider


def routes(
    entries: Mapping[str, Mapping[str, Any]],
    extra_options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Route]:
    """Build a route for each entry, in order: the first that takes a message gets it.

    ``extra_options``: by entry, options that settings cannot hold, such as a callable.
    """
    extra = extra_options or {}
    return [
        Route(
            name,
            entry["class"],
            entry["channel"],
            frozenset(entry.get("platforms", ())),
            {**entry.get("options", {}), **extra.get(name, {})},
        )
        for name, entry in entries.items()
    ]
