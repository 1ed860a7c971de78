"""Receipts: what providers report later, in one small vocabulary, and the transitions it causes.

In: a provider's request. Out: ``ReportedEvent``s, and the state that each leads to. Imported by
``apps.delivery``. A provider with receipts has one file in this package, and in its settings entry
``"receipts": {"class": dotted path, "options": {…}}``.
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
    """An event in the life of a message after the provider accepted it."""

    ACCEPTED = "accepted"  # the provider has it for certain
    DELIVERED = "delivered"  # the phone, or the receiver's mail server, has it
    DEFERRED = "deferred"  # not yet; the provider keeps trying
    BOUNCED = "bounced"  # the address does not exist
    FAILED = "failed"  # the provider gave up; the address may be good
    COMPLAINED = "complained"  # the recipient reported it as spam
    UNSUBSCRIBED = "unsubscribed"  # the recipient told the provider to stop


#: Reasons that suppress the address.
HARD_BOUNCE, COMPLAINT, OPTED_OUT = "hard_bounce", "complaint", Reason.OPTED_OUT.value
SUPPRESSING = frozenset({HARD_BOUNCE, COMPLAINT, OPTED_OUT})
#: Reasons that say nothing about the next message; ``UNSAID``: the provider named none.
UNREACHABLE, BLOCKED, UNSAID = "unreachable", "blocked", Reason.PROVIDER_ERROR.value
#: A fault of our account, number or sender address: see ``notifier.domain.outcomes.FAULT``.
SENDER = Reason.SENDER_REFUSED.value
#: The reason in place of a hard bounce where there are too many at once to be believed.
MANY_DEAD_ADDRESSES = Reason.MANY_DEAD_ADDRESSES.value

S = DeliveryState
# A message that arrived is delivered, whatever state followed: an attempt without an answer may be
# followed by failed ones, a cancellation or the expiry.
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
# A mail server may accept a message and return it minutes later: the bounce is final, whichever of
# the two is reported first.
_LOST = {S.ACCEPTED: S.BOUNCED, S.UNKNOWN: S.BOUNCED, S.DELIVERED: S.BOUNCED}
#: Event -> the transitions it causes. Events lead to the same state in any order and any number of
#: times. A delivery that is retrying because its first attempt got no answer is not sent again.
MOVES: Mapping[Event, Mapping[DeliveryState, DeliveryState]] = {
    Event.ACCEPTED: {S.UNKNOWN: S.ACCEPTED},
    Event.DELIVERED: _ARRIVED,
    Event.DEFERRED: {},
    Event.BOUNCED: _LOST,
    Event.FAILED: _LOST,
    # A complaint proves that the message arrived.
    Event.COMPLAINED: _ARRIVED,
    Event.UNSUBSCRIBED: _ARRIVED,
}


def after(state: DeliveryState, event: Event, reason: str = "") -> DeliveryState:
    """Return the state that an event leads to from ``state``, mostly ``state`` itself.

    A message lost by a fault of ours becomes a dead letter, to be redriven once that is fixed.
    """
    new = MOVES[event].get(state, state)
    if new is S.BOUNCED and new is not state and FAULT.get(reason) is Fault.OURS:  # type: ignore[call-overload]
        return S.DEAD
    return new


#: Events that say that a message is lost. Its delivery may have had another message that is not.
LOSSES = frozenset({Event.BOUNCED, Event.FAILED})


def is_about(reported: str, message_id: str) -> bool:
    """Return whether a receipt for the message ``reported`` is about ``message_id``."""
    return reported == message_id or reported.startswith(f"{message_id}.")


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """One event that a provider reports about one delivery.

    - ``delivery_id``: the public id that the message carried; empty where it carried none, because
      something else sent it.
    - ``detail``: made of codes, never of a provider's sentences, which quote addresses.
    - ``at``: when it happened, in unix seconds; ``None`` where the provider does not say.
    - ``message_id``: the provider's id of the message, perhaps with a dot and more behind it; empty
      where it does not say.
    - ``address``: where the message was sent to; empty where the provider does not say.
    """

    delivery_id: str
    event: Event
    reason: str = ""
    detail: str = ""
    at: float | None = None
    message_id: str = ""
    address: str = ""


class Receipts(Protocol):
    """A provider's receipts. A receipt is an HTTP request to us: query, headers and body."""

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        """Return whether the provider signed the request. Header names are in lower case."""

    def read(self, query: str, body: bytes) -> Sequence[ReportedEvent]:
        """Return the events in a receipt. Raises ``ValueError`` if it is not a receipt."""


def build(entry: Mapping[str, Any]) -> Receipts:
    """Build from a ``receipts`` entry of the settings. Raises what its import or options raise."""
    module, _, name = entry["class"].rpartition(".")
    found: Receipts = getattr(importlib.import_module(module), name)(**entry["options"])
    return found


_MESSAGE = re.compile(r"[!-~]{1,200}")


def message_id(value: object) -> str:
    """Return a provider's id of a message if a column can hold it, else an empty text."""
    return value if isinstance(value, str) and _MESSAGE.fullmatch(value) else ""
