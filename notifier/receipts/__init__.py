"""What providers report later, in one small vocabulary, and where it moves a delivery.

A provider that reports has one file in this package and a ``receipts`` entry in its own in the
settings: ``{"class": dotted path, "options": {…}}``.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from notifier.domain.outcomes import FAULT, Fault, Reason
from notifier.domain.states import DeliveryState


class Event(StrEnum):
    """What became of a message after the provider had taken it."""

    ACCEPTED = "accepted"  # it is on its way: the provider has it for certain
    DELIVERED = "delivered"  # the phone, or the receiver's mail server, has it
    DEFERRED = "deferred"  # not yet; the provider goes on trying
    BOUNCED = "bounced"  # the address leads nowhere
    FAILED = "failed"  # the provider gave up, and the address may be good
    COMPLAINED = "complained"  # the recipient called it spam
    UNSUBSCRIBED = "unsubscribed"  # the recipient told the provider to stop


#: Reasons for which nothing is sent to the address any more.
HARD_BOUNCE, COMPLAINT, OPTED_OUT = "hard_bounce", "complaint", Reason.OPTED_OUT.value
SUPPRESSING = frozenset({HARD_BOUNCE, COMPLAINT, OPTED_OUT})
#: Reasons that say nothing of the next message; ``UNSAID``: the provider does not know, either.
UNREACHABLE, BLOCKED, UNSAID = "unreachable", "blocked", Reason.PROVIDER_ERROR.value
#: Our account, number or sender address: see ``notifier.domain.outcomes.FAULT``.
SENDER = Reason.SENDER_REFUSED.value
#: Too many hard bounces at once to be believed.
DOUBTED = Reason.MANY_DEAD_ADDRESSES.value

S = DeliveryState
# What arrived has arrived, whatever we made of it since: an attempt that went unanswered may be
# followed by others that failed, by a cancel or by its expiry.
_ARRIVED = dict.fromkeys(
    (
        S.ACCEPTED,
        S.UNKNOWN,
        S.RETRYING,
        S.DEAD,
        S.FAILED,
        S.SUPPRESSED,
        S.EXPIRED,
        S.CANCELLED,
    ),
    S.DELIVERED,
)
# A mail server may take a message and send it back minutes later: the last word is the bounce,
# whichever of the two is told first.
_LOST = {S.ACCEPTED: S.BOUNCED, S.UNKNOWN: S.BOUNCED, S.DELIVERED: S.BOUNCED}
#: event -> where a delivery moves from where. In any order and any number of times they lead to
#: the same end. A delivery that waits for its next attempt, since its first one went unanswered,
#: is spared a second copy.
MOVES: Mapping[Event, Mapping[DeliveryState, DeliveryState]] = {
    Event.ACCEPTED: {S.UNKNOWN: S.ACCEPTED},
    Event.DELIVERED: _ARRIVED,
    Event.DEFERRED: {},
    Event.BOUNCED: _LOST,
    Event.FAILED: _LOST,
    # Nobody complains of what did not arrive.
    Event.COMPLAINED: _ARRIVED,
    Event.UNSUBSCRIBED: _ARRIVED,
}


def after(state: DeliveryState, event: Event, reason: str = "") -> DeliveryState:
    """Where a delivery in ``state`` is once this is known of it; mostly where it was.

    What was lost for a fault of ours is a dead letter: it can be sent again once that is mended.
    """
    new = MOVES[event].get(state, state)
    if new is S.BOUNCED and new is not state and FAULT.get(reason) is Fault.OURS:  # type: ignore[call-overload]
        return S.DEAD
    return new


#: What says that a message is lost. A delivery may have had another one, which is not.
LOSSES = frozenset({Event.BOUNCED, Event.FAILED})


def is_about(said: str, message_id: str) -> bool:
    """Whether a receipt that names its message ``said`` is about ``message_id``."""
    return said == message_id or said.startswith(f"{message_id}.")


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """One event of one delivery (its public id as the message carried it; empty where it carried
    none, since something else sent it).

    ``address``: where the message went, as the provider says; empty where it does not.
    ``at``: when it happened, in unix seconds; ``None`` where the provider does not say.
    ``message_id``: which of its messages it speaks of, as it named it when it took that, perhaps
    with more behind a dot; empty where it does not say.
    ``detail`` is made of codes, never of a provider's sentences: those quote addresses.
    """

    delivery_id: str
    event: Event
    reason: str = ""
    detail: str = ""
    at: float | None = None
    message_id: str = ""
    address: str = ""


class Receipts(Protocol):
    """One provider's receipts. A receipt is a request to us: its query, headers and body."""

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        """Whether the provider signed it. Header names are lower case."""

    def read(self, query: str, body: bytes) -> Sequence[ReportedEvent]:
        """What it says of our deliveries. Raises ``ValueError`` if it is no receipt."""


def build(entry: Mapping[str, Any]) -> Receipts:
    """From a ``receipts`` entry of the settings. Raises what the import or an option raises."""
    module, _, name = entry["class"].rpartition(".")
    found: Receipts = getattr(importlib.import_module(module), name)(**entry["options"])
    return found


_MESSAGE = re.compile(r"[!-~]{1,200}")


def message_id(said: object) -> str:
    """What a provider names a message, as a column can hold it; empty where it does not."""
    return said if isinstance(said, str) and _MESSAGE.fullmatch(said) else ""
