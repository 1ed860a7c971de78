"""The sole writer of a delivery's state. Every move is one SQL statement over many deliveries.

A claim makes deliveries (``make``) or takes up due ones (``resume``), moving them to sending; its
worker calls the providers with no transaction open, and writes down what came of it (``record``),
which counts only for deliveries that still carry the claim. Receipts ``settle`` what was sent; what
waits is cancelled, redriven and released, and what a lost worker was sending is given back
(``release_lost``). What failed for its address becomes a dead letter where that is not believed any
more (``doubt``).
"""

from apps.delivery.state.claiming import (
    Claimed,
    Cut,
    Making,
    Terms,
    begin,
    make,
    make_in_order,
    resume,
)
from apps.delivery.state.commands import (
    cancel,
    redrive,
    release_channel,
    release_lost,
    release_topic,
    release_webhooks,
)
from apps.delivery.state.dead_addresses import doubt
from apps.delivery.state.receipts import Standing, lock, look, settle
from apps.delivery.state.recording import Lost, Result, record, still_ours

__all__ = [
    "Claimed",
    "Cut",
    "Lost",
    "Making",
    "Result",
    "Standing",
    "Terms",
    "begin",
    "cancel",
    "doubt",
    "lock",
    "look",
    "make",
    "make_in_order",
    "record",
    "redrive",
    "release_channel",
    "release_lost",
    "release_topic",
    "release_webhooks",
    "resume",
    "settle",
    "still_ours",
]
