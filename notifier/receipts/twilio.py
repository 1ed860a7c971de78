"""Twilio's status callbacks: one request for each step of one text message.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, parse_qsl

from twilio.request_validator import RequestValidator

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
#: Most fields of a form; a status callback has about twenty.
MOST_FIELDS = 200


class TwilioReceipts:
    """Twilio's receipts.

    ``callback``: the URL that Twilio was given, without the query that each message adds. Twilio
    signs the URL it calls, which a proxy may have changed on the way to us.

    The signature covers no time. A replayed callback repeats a known event, and so changes nothing.
    """

    def __init__(self, *, auth_token: str, callback: str) -> None:
        self._validator = RequestValidator(auth_token)
        self._url = callback.partition("#")[0].partition("?")[0]

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        try:
            fields = dict(_fields(body))
        except ValueError:
            return False
        url = f"{self._url}?{query}" if query else self._url
        signature = headers.get("x-twilio-signature", "")
        return bool(self._validator.validate(url, fields, signature))

    def read(self, query: str, body: bytes) -> Sequence[ReportedEvent]:
        [delivery_id] = parse_qs(query).get("delivery_id", [""])[-1:]
        fields = dict(_fields(body))
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


def _fields(body: bytes) -> list[tuple[str, str]]:
    """Parse a form. Raises ``ValueError`` for anything else."""
    return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
