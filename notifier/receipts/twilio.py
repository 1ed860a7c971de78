"""Twilio's status callbacks: one request for each step of one text message.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from notifier.domain.outcomes import FAULT, Fault
from notifier.providers.twilio import RULES
from notifier.receipts import (
    BLOCKED,
    HARD_BOUNCE,
    OPTED_OUT,
    UNREACHABLE,
    UNSAID,
    Event,
    ReportedEvent,
    message_id,
)
from notifier.security.signed_forms import SignedForms, form_fields

#: Queued, sending and the like add nothing to the answer to our call.
EVENTS = {
    "sent": Event.ACCEPTED,
    "delivered": Event.DELIVERED,
    "read": Event.DELIVERED,
    "undelivered": Event.FAILED,
    "failed": Event.FAILED,
}
#: Reason why a message was not delivered, by error code: https://www.twilio.com/docs/api/errors
REASONS = {
    # Faults of our account or sender, from the provider's table.
    **{
        str(code): rule.reason.value
        for code, rule in RULES.items()
        if FAULT[rule.reason] is Fault.OURS
    },
    "21211": HARD_BOUNCE,  # invalid "To"
    "21610": OPTED_OUT,  # the recipient answered STOP
    "21614": HARD_BOUNCE,  # not a mobile number
    "30003": UNREACHABLE,  # switched off or out of reach
    "30004": BLOCKED,  # by the carrier, or the recipient's contract with it
    "30005": HARD_BOUNCE,  # unknown, or no longer in use
    "30006": UNREACHABLE,  # a landline, or a carrier that this sender cannot reach
    "30007": BLOCKED,  # filtered for its content
}


class TwilioReceipts:
    """Twilio's receipts.

    ``callback``: the URL that Twilio was given, without the query that each message adds. Twilio
    signs the URL it calls, which a proxy may have changed on the way to us.

    The signature covers no time. A replayed callback repeats a known event, and so changes nothing.
    """

    def __init__(self, *, auth_token: str, callback: str) -> None:
        self._signed = SignedForms(auth_token=auth_token, url=callback)

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        return self._signed.verify(headers, query, body)

    def read(self, query: str, body: bytes) -> Sequence[ReportedEvent]:
        [delivery_id] = parse_qs(query).get("delivery_id", [""])[-1:]
        fields = dict(form_fields(body))
        event = EVENTS.get(fields.get("MessageStatus", ""))
        if event is None:
            return []
        sid, address = message_id(fields.get("MessageSid")), fields.get("To", "")
        if event is not Event.FAILED:
            return [ReportedEvent(delivery_id, event, message_id=sid, address=address)]
        code = fields.get("ErrorCode", "")
        reason = REASONS.get(code, UNSAID)
        if reason == HARD_BOUNCE:
            event = Event.BOUNCED
        detail = f"Twilio error {code}" if code.isdecimal() and len(code) <= 6 else ""
        return [ReportedEvent(delivery_id, event, reason, detail, message_id=sid, address=address)]
