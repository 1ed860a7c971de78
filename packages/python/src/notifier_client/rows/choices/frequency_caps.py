"""Frequency caps: how many notifications one person is sent at most."""

from dataclasses import dataclass
from typing import Any

from notifier_client.rows.base import write


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most ``limit`` notifications to one person on a channel within any ``per``.

    ``per``: hour, day or week. ``category``: only those of this category, where the cap is a
    person's; ``None``: all on the channel.
    """

    channel: str
    limit: int
    per: str = "day"
    category: str | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "channel", "category", "limit", "per")
