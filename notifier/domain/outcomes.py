"""Outcomes of a call to a provider, in one small vocabulary for all providers.

A provider maps its own errors to these and decides nothing else; ``notifier.dispatch.resolution``
decides what follows, and ``apps.delivery.state`` records it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Reason why an attempt was not accepted. Stored with the attempt, and shown to people."""

    RATE_LIMITED = "rate_limited"  # the provider asked us to slow down
    PROVIDER_ERROR = "provider_error"  # the provider's own fault (5xx, unreadable answer)
    CONNECTION = "connection"  # nothing was written: refused, DNS, TLS, reset before the request
    TIMEOUT = "timeout"  # no answer in time
    NO_ANSWER = "no_answer"  # the connection broke after the request was written
    AUTHENTICATION = "authentication"  # our credentials were refused; a dead letter at once
    SENDER_REFUSED = "sender_refused"  # our app, number, region or settings; a dead letter at once
    MANY_DEAD_ADDRESSES = "many_dead_addresses"  # too many called dead at once to be believed
    DEFERRED = "deferred"  # not now, for this one address: greylisting, a full mailbox
    INVALID_ADDRESS = "invalid_address"  # malformed or unroutable: this address never worked
    DEAD_ADDRESS = "dead_address"  # it worked once and is gone (uninstalled, unsubscribed, 410)
    OPTED_OUT = "opted_out"  # the recipient told the provider to stop
    INVALID_MESSAGE = "invalid_message"  # the provider cannot read the message
    TOO_LARGE = "too_large"  # the content is over the provider's limit
    REJECTED = "rejected"  # the provider understood the message and refuses it
    FORBIDDEN_ADDRESS = "forbidden_address"  # private or local network: never called
    EXPIRED = "expired"  # it expired before it was sent; the provider was not called
    RELEASED = "released"  # its worker stopped before it was sent; another worker sends it
    CANCELLED = "cancelled"  # cancelled before it was sent; no provider was called
    UNCONFIRMED = "unconfirmed"  # its worker could not check for a cancellation; sent later
    TOPIC_PAUSED = "topic_paused"  # the topic's owner or an operator paused the topic
    PROVIDER_PAUSED = "provider_paused"  # an operator paused the provider
    THROTTLED = "throttled"  # the account's quota is used up for now; it is sent later
    PROVIDER_DOWN = "provider_down"  # the provider failed too often: its breaker is open
    ENDPOINT_DOWN = "endpoint_down"  # a webhook's host failed too often: its breaker is open
    QUIET_HOURS = "quiet_hours"  # it is quiet where the recipient is; sent when that ends
    DIGEST = "digest"  # it has joined a digest, and is told with others when that closes
    NOTHING_LEFT = "nothing_left"  # of a digest: all that it was to tell has left it
    IN_ORDER = "in_order"  # an earlier one with its ordering key has not been sent
    HELD = "held"  # it was open in a restored database; an operator releases or cancels it
    NO_PROVIDER = "no_provider"  # no provider is configured for this channel and platform
    INTERNAL = "internal"  # a bug of ours; the log has the traceback


class Fault(StrEnum):
    """The change that is needed before the same message can be sent to the same address."""

    PROVIDER = "provider"  # the provider, the receiving server or the network: time helps
    OURS = "ours"  # our settings, our account or our code
    MESSAGE = "message"  # the content
    ADDRESS = "address"  # the address, or the person behind it


#: Party at fault, by the reason for which a provider refuses a message.
FAULT = {
    Reason.RATE_LIMITED: Fault.PROVIDER,
    Reason.PROVIDER_ERROR: Fault.PROVIDER,
    Reason.CONNECTION: Fault.PROVIDER,
    Reason.TIMEOUT: Fault.PROVIDER,
    Reason.NO_ANSWER: Fault.PROVIDER,
    Reason.DEFERRED: Fault.PROVIDER,
    Reason.ENDPOINT_DOWN: Fault.PROVIDER,
    Reason.AUTHENTICATION: Fault.OURS,
    Reason.SENDER_REFUSED: Fault.OURS,
    Reason.MANY_DEAD_ADDRESSES: Fault.OURS,
    Reason.NO_PROVIDER: Fault.OURS,
    Reason.INTERNAL: Fault.OURS,
    Reason.INVALID_MESSAGE: Fault.MESSAGE,
    Reason.TOO_LARGE: Fault.MESSAGE,
    Reason.REJECTED: Fault.MESSAGE,
    Reason.INVALID_ADDRESS: Fault.ADDRESS,
    Reason.DEAD_ADDRESS: Fault.ADDRESS,
    Reason.OPTED_OUT: Fault.ADDRESS,
    Reason.FORBIDDEN_ADDRESS: Fault.ADDRESS,
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message.

    ``provider_message_id``: the id that its receipts will carry. ``delivered``: whether acceptance
    is delivery (the inbox, a webhook's 2xx).
    """

    provider_message_id: str = ""
    delivered: bool = False
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """The message may be accepted later. ``after``: seconds the provider asked us to wait."""

    reason: Reason
    after: float | None = None
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The message was not accepted, and a retry cannot help.

    ``disable_contact``: the address itself is dead, and nothing must be sent to it again.
    """

    reason: Reason
    status: int | None = None
    detail: str = ""
    disable_contact: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request was written and no answer came: the provider may have the message."""

    reason: Reason = Reason.TIMEOUT
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """No provider that takes the message may be called now. Uses up no attempt.

    ``until``: when to try again, in unix seconds; ignored where the reason is ``CANCELLED``. Made
    by the code around providers, never by one.
    """

    until: float
    reason: Reason


Outcome = Accepted | Retry | Refused | Unknown | Held

#: Characters of a ``detail``: it is for people who read one attempt, and a provider's error page
#: must not fill the table.
DETAIL_LIMIT = 300


def clip(text: str) -> str:
    """Return ``text`` on one line, cut to ``DETAIL_LIMIT``. It must not contain an address."""
    line = " ".join(text.split())
    return line if len(line) <= DETAIL_LIMIT else line[: DETAIL_LIMIT - 1] + "…"
