"""The sole writer of a delivery's state. Every move is one SQL statement over many deliveries.

A worker that claimed a chunk creates or resumes its deliveries, moving them to sending
(``begin``); calls the providers with no transaction open; and writes down what came of it
(``record``), which counts only while the chunk is still its own. Receipts ``settle`` what was
sent; what waits is cancelled, redriven, released and woken. What failed for its address becomes a
dead letter where that is not believed any more (``doubt``).
"""

from apps.delivery.transitions.beginning import Claimed, Terms, begin
from apps.delivery.transitions.doubting import doubt
from apps.delivery.transitions.recording import Result, record
from apps.delivery.transitions.settling import Standing, lock, look, settle
from apps.delivery.transitions.waiting import (
    cancel,
    redrive,
    release_channel,
    release_topic,
    wake_due,
)

__all__ = [
    "Claimed",
    "Result",
    "Standing",
    "Terms",
    "begin",
    "cancel",
    "doubt",
    "lock",
    "look",
    "record",
    "redrive",
    "release_channel",
    "release_topic",
    "settle",
    "wake_due",
]
