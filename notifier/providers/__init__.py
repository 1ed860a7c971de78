"""The providers of an installation, built from settings entries.

An entry is ``{"class": dotted path, "channel": name, "platforms": [...] or absent, "options":
{...}}``. A new provider is one file in this package and one entry.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notifier.providers.base import Provider


@dataclass(slots=True)
class Route:
    """Which messages a provider takes, and the provider, imported and built on first use.

    A process that sends no push never pays for Firebase's library.
    """

    name: str
    path: str
    channel: str
    platforms: frozenset[str]
    options: Mapping[str, Any]
    _provider: Provider | None = field(default=None, init=False, repr=False)

    def takes(self, channel: str, platform: str) -> bool:
        """``platforms`` empty means every platform."""
        return channel == self.channel and (not self.platforms or platform in self.platforms)

    @property
    def built(self) -> bool:
        return self._provider is not None

    def provider(self) -> Provider:
        """Raises what the import, an option or a missing file raises."""
        if self._provider is None:
            module, _, name = self.path.rpartition(".")
            factory = getattr(importlib.import_module(module), name)
            self._provider = factory(self.name, **self.options)
        return self._provider


def routes(
    entries: Mapping[str, Mapping[str, Any]],
    extra_options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Route]:
    """A route for each entry, in order: the first that takes a message gets it.

    ``extra_options``: by entry, options that settings cannot hold (a callable, say).
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
