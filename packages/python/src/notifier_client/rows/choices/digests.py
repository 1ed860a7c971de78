"""Digests: how often people want to be sent what may wait."""

from dataclasses import dataclass
from typing import Any

from notifier_client.rows.base import write


@dataclass(frozen=True, slots=True)
class DigestChoice:
    """A person's choice of how often to be sent a category.

    ``cadence``: at_once, hourly, daily or weekly. ``category``: ``None`` for all that have no
    choice of their own.
    """

    cadence: str
    category: str | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "category", "cadence")
