"""Suppressions: addresses that nothing is sent to."""

from dataclasses import dataclass, field
from datetime import datetime

from notifier_client.rows.base import TIME


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address (masked) that nothing is sent to on ``channel``, and why."""

    id: int
    channel: str
    address: str
    reason: str
    created_at: datetime = field(metadata=TIME)
