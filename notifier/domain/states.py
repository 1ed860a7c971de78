"""States of a delivery, and the one table of transitions between them."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """The state of a delivery."""

    QUEUED = "queued"  # accepted by us, not yet handed to a provider
    SENDING = "sending"  # a worker holds it and may be calling the provider now
    RETRYING = "retrying"  # tried, waits for its next attempt
    ACCEPTED = "accepted"  # the provider accepted it
    DELIVERED = "delivered"  # the provider (or our own inbox) confirmed it
    BOUNCED = "bounced"  # the provider accepted it, then reported it undeliverable
    FAILED = "failed"  # refused for good; trying again cannot help
    DEAD = "dead"  # out of attempts, or refused for a fault of ours; redrive puts it back
    UNKNOWN = "unknown"  # written to the provider, no answer: it may have been sent
    SUPPRESSED = "suppressed"  # not sent: refused by preference, suppression or a missing address
    EXPIRED = "expired"  # not sent: its expiry had passed
    CANCELLED = "cancelled"  # not sent: the publisher cancelled it


S = DeliveryState

#: State -> the states it may move to. Any other transition is a bug, not a race.
TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.QUEUED: frozenset({S.SENDING, S.SUPPRESSED, S.EXPIRED, S.CANCELLED}),
    S.SENDING: frozenset(
        {S.ACCEPTED, S.DELIVERED, S.RETRYING, S.FAILED, S.DEAD, S.UNKNOWN, S.EXPIRED, S.CANCELLED}
    ),
    S.RETRYING: frozenset(
        {S.SENDING, S.EXPIRED, S.CANCELLED, S.SUPPRESSED, S.DELIVERED, S.UNKNOWN}
    ),
    S.ACCEPTED: frozenset({S.DELIVERED, S.BOUNCED, S.DEAD}),
    S.UNKNOWN: frozenset({S.DELIVERED, S.BOUNCED, S.ACCEPTED, S.DEAD}),
    S.DELIVERED: frozenset({S.BOUNCED, S.DEAD}),
    # Dead: it was given up for its address, and the provider is not believed in that any more.
    S.BOUNCED: frozenset({S.DEAD}),
    # An earlier attempt got no answer, and its receipt says that the message arrived.
    S.FAILED: frozenset({S.DELIVERED, S.DEAD}),
    S.DEAD: frozenset({S.RETRYING, S.DELIVERED}),
    S.SUPPRESSED: frozenset({S.DELIVERED}),
    S.EXPIRED: frozenset({S.DELIVERED}),
    S.CANCELLED: frozenset({S.DELIVERED}),
}

#: States in which the service still has something to do.
WAITING = frozenset({S.QUEUED, S.SENDING, S.RETRYING})
#: States that only a receipt or an operator changes.
TERMINAL = frozenset(DeliveryState) - WAITING


def may_move(current: DeliveryState, new: DeliveryState) -> bool:
    """Return whether a delivery in ``current`` may move to ``new``."""
    return new in TRANSITIONS[current]
