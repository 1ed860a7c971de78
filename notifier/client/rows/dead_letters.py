"""Deliveries that are out of attempts."""

from dataclasses import dataclass, field
from datetime import datetime

from notifier.client.rows.base import TIME, TUPLE


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery out of attempts, address masked. ``id`` is the delivery's."""

    id: str
    notification_id: str
    channel: str
    died_at: datetime = field(metadata=TIME)
    topic: str | None = None
    provider: str = ""
    reason: str = ""
    user_id: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many dead letters were put back; ``unknown``: ids of none; ``more``: some may be left.

    ``next``: where a call with the same match goes on.
    """

    redriven: int
    unknown: tuple[str, ...] = field(default=(), metadata=TUPLE)
    more: bool = False
    next: str | None = None
