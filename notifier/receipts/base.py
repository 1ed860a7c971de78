"""One small vocabulary for what providers report, and what reading a report takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a provider says of one delivery."""

    DELIVERED = "delivered"  # it arrived
    BOUNCED = "bounced"  # it did not, and the address is at fault
    UNDELIVERED = "undelivered"  # it did not, for another reason
    COMPLAINED = "complained"  # the person called it spam
    UNSUBSCRIBED = "unsubscribed"  # the person told the provider to stop


@dataclass(frozen=True, slots=True)
class Event:
    """``delivery_id`` is our public one, ``at`` in unix seconds; ``detail`` has no address."""

    delivery_id: str
    kind: Kind
    at: float
    reason: str = ""
    detail: str = ""


class Forged(Exception):
    """The signature is missing or not the provider's."""


class Reader(Protocol):
    """Reads the reports of one account."""

    def verify(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ``Forged``. ``url`` is the one the provider called; header names in lower case."""

    def events(self, url: str, body: bytes) -> list[Event]:
        """What a verified report says; what we have no use for is left out."""
