"""SendGrid's signed Event Webhook: one request for many events of many messages.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from notifier.receipts import (
    BLOCKED,
    COMPLAINT,
    HARD_BOUNCE,
    OPTED_OUT,
    SENDER,
    UNREACHABLE,
    UNSAID,
    Event,
    ReportedEvent,
    message_id,
)

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

#: Events of opening, clicking and the like are ignored.
EVENTS = {
    "processed": (Event.ACCEPTED, ""),
    "deferred": (Event.DEFERRED, UNREACHABLE),
    "delivered": (Event.DELIVERED, ""),
    "bounce": (Event.BOUNCED, HARD_BOUNCE),
    "dropped": (Event.FAILED, UNSAID),
    "spamreport": (Event.COMPLAINED, COMPLAINT),
    "unsubscribe": (Event.UNSUBSCRIBED, OPTED_OUT),
    "group_unsubscribe": (Event.UNSUBSCRIBED, OPTED_OUT),
}
#: SendGrid's reasons for not trying: mostly the address is on one of its own lists.
DROPPED = {
    "invalid": (Event.BOUNCED, HARD_BOUNCE),
    "bounced address": (Event.BOUNCED, HARD_BOUNCE),
    "spam reporting address": (Event.FAILED, COMPLAINT),
    "unsubscribed address": (Event.FAILED, OPTED_OUT),
    "recipient list over package quota": (Event.FAILED, SENDER),
}
#: Start of a bounce's status that names a policy about us (SPF, DKIM, DMARC, block lists).
POLICY = "5.7."
#: An enhanced mail system status code (RFC 3463).
STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
#: Unix seconds; a later timestamp is an error.
LATEST = 2**32


class SendGridReceipts:
    """SendGrid's receipts.

    ``public_key``: base64 of a DER public key, as SendGrid's settings page shows it. Raises
    ``ValueError`` for anything else.

    The timestamp is signed, but its age is not limited: for a day SendGrid repeats requests that we
    did not accept, with their first signature. A replayed request repeats known events, and so
    changes nothing.
    """

    def __init__(self, *, public_key: str) -> None:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("SendGrid's event webhook is signed with an elliptic curve key")
        self._key = key

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        try:
            signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
            signed = headers.get(TIMESTAMP, "").encode() + body
            self._key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    def read(self, query: str, body: bytes) -> Sequence[ReportedEvent]:
        events = orjson.loads(body)
        if not isinstance(events, list):
            raise ValueError("not a list of events")
        return list(_reported(events))


def _reported(events: list[Any]) -> Iterator[ReportedEvent]:
    for event in events:
        if not isinstance(event, dict):
            continue
        word = event.get("event")
        found = EVENTS.get(word) if isinstance(word, str) else None
        if found is None:
            continue
        if word == "dropped":
            found = DROPPED.get(str(event.get("reason")).strip().lower(), found)
        elif word == "bounce" and event.get("type") == "blocked":
            found = Event.FAILED, BLOCKED  # this message, not this address
        elif word == "bounce" and str(event.get("status", "")).startswith(POLICY):
            found = Event.FAILED, SENDER
        # The X-Message-Id of our request, a dot, and SendGrid's own suffix.
        sent = message_id(event.get("sg_message_id"))
        delivery_id, address = _text(event, "delivery_id"), _text(event, "email")
        yield ReportedEvent(delivery_id, *found, _detail(event), _at(event), sent, address)


def _text(event: Mapping[str, Any], name: str) -> str:
    found = event.get(name)
    return found if isinstance(found, str) else ""


def _detail(event: Mapping[str, Any]) -> str:
    status = STATUS.search(str(event.get("status", "")))
    return f"status {status[0]}" if status else ""


def _at(event: Mapping[str, Any]) -> float | None:
    at = event.get("timestamp")
    return float(at) if isinstance(at, int) and 0 < at < LATEST else None
