"""Descriptions of states and reasons for people, as clauses of sentences."""

from apps.preferences.models import SuppressionReason

#: The meaning of each reason, as a clause that can follow "because".
REASONS = {
    "rate_limited": "the provider asked us to slow down",
    "provider_error": "the provider failed",
    "connection": "no connection could be made, and nothing was sent",
    "timeout": "the call timed out; the provider may have it",
    "no_answer": "the connection broke after the request was sent; the provider may have it",
    "authentication": "the provider refused our credentials",
    "sender_refused": "the provider refused our sender, app or settings, not the address",
    "many_dead_addresses": "the provider reported more dead addresses at once than can be right",
    "deferred": "the receiving side does not accept it for this address at the moment",
    "invalid_address": "the address is malformed or does not exist",
    "dead_address": "the address does not exist any more",
    "invalid_message": "the provider cannot read the message",
    "too_large": "the content is over the provider's limit",
    "rejected": "the provider understood the message and refuses it",
    "forbidden_address": "the URL points to a private network or to a port that is not allowed",
    "local_time_passed": "that local time had passed where they are",
    "expired": "it expired before it could be sent",
    "provider_paused": "an operator paused the provider",
    "throttled": "the quota of the provider's account is used up for now",
    "provider_down": "the provider failed too often and is not called for a while",
    "endpoint_down": "its host failed to answer too often and is not called for a while",
    "in_order": "an earlier one with the same ordering key has not been sent yet",
    "quiet_hours": "they have quiet hours",
    "digest": "it is to be told together with others",
    "nothing_left": "all that it was to tell has left its digest",
    "read": "they have read it meanwhile",
    "read_by_another": "somebody else has read it",
    "acknowledged": "they have acknowledged it",
    "acknowledged_by_another": "somebody else has acknowledged it",
    "reached": "another channel reached them meanwhile",
    "topic_paused": "the topic is paused",
    "held": "it was open when the database was restored, and waits for an operator",
    "unconfirmed": "its worker could not check whether it was cancelled; it checks again soon",
    "released": "its worker was stopped before it sent this; another worker sends it",
    "cancelled": "it was cancelled before it could be sent",
    "no_provider": "no provider is set up for this channel and platform",
    "internal": "of an error in this service; the workers' log has the traceback",
    "no_address": "they have no active contact on this channel",
    "contact_disabled": "the contact is disabled",
    "preference": "they refuse this channel, topic or category",
    "category_default": "its category is sent on this channel only to people who have chosen it",
    "frequency_cap": "they were sent as many as the frequency cap allows within its time",
    "unsubscribed": "they have unsubscribed from the topic",
    "worker_lost": "the worker was lost while it sent this; it may have been sent",
    "hard_bounce": "mail to this address bounced permanently",
    "complaint": "they reported a message to this address as spam",
    "opted_out": "they told the provider to stop",
    "unreachable": "the phone, or the receiver's mail server, could not be reached",
    "blocked": "a carrier or mail server rejected the message",
    "manual": "the address was suppressed by hand",
}
#: Reasons for which a delivery is deferred before a provider is called.
HELD = frozenset(
    (
        *("provider_paused", "provider_down", "endpoint_down", "throttled", "in_order"),
        *("topic_paused", "quiet_hours", "digest", "released", "unconfirmed", "held"),
    )
)
#: Reasons for which a delivery that may have arrived is not sent again.
ENDED = frozenset(
    (
        *("cancelled", "expired", "unsubscribed", "preference", "category_default"),
        *("contact_disabled", "no_address", "read", "reached", "frequency_cap"),
        *("read_by_another", "acknowledged", "acknowledged_by_another"),
    )
) | frozenset(SuppressionReason.values)

#: Reasons of a last attempt that only say that there was no answer.
UNANSWERED = frozenset(("timeout", "no_answer", "worker_lost", "connection"))


def describe(state: str, reason: str, attempts: int, words: str = "") -> str:
    """Describe a delivery's state as a predicate that can follow "It" or "The delivery to a•••".

    ``reason`` is the last one recorded. What it means depends on the state, and on whether a
    provider was ever called (``attempts``). ``words``: its clause of ``reasons.in_words``.
    """
    tried, why = attempts > 0, f" because {words}" if words else because(reason)
    match state:
        case "queued":
            return "waits for a worker"
        case "sending":
            return "is being sent right now"
        case "retrying" if reason in HELD or not tried:
            return f"{'was tried, and now waits' if tried else 'waits'}{why}"
        case "retrying":
            failed = f": {REASONS.get(reason, reason.replace('_', ' '))}" if reason else ""
            return f"was tried and waits for its next attempt{failed}"
        case "accepted":
            return "was accepted by the provider, which has not reported yet whether it arrived"
        case "delivered":
            return "arrived"
        case "bounced":
            return f"was accepted by the provider and did not arrive{why}"
        case "failed":
            return f"failed for good{why}"
        case "dead":
            return f"is a dead letter{why}"
        case "unknown":
            last = ""
            if reason in ENDED:
                last = f", and is not sent again{why}"
            elif attempts > 1 and reason not in UNANSWERED:
                last = f", and the last one failed{why}"
            return f"may have arrived: a call to the provider went unanswered{last}"
        case "suppressed":
            return f"{'is not sent again' if tried else 'was not sent'}{why}"
        case "expired" if tried:
            return "was tried and did not arrive in time"
        case "expired":
            return f"was not sent in time{why if reason != 'expired' else ''}"
        case "cancelled" if tried:
            return "was tried, did not arrive, and was cancelled by the publisher or an operator"
        case "cancelled":
            return "was not sent: the publisher or an operator cancelled it"
    return state.replace("_", " ")


def because(reason: str) -> str:
    """Return `` because …``, empty without a reason."""
    return f" because {REASONS.get(reason, reason.replace('_', ' '))}" if reason else ""
