# NOTE to letter e: the coordinator overwrote this file by mistake at 21:51, thinking nobody was on it. All of notifier/receipts is yours: write your version back, or take this one; then remove this note. Go on with everything else.
"""Twilio's status callbacks.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and
https://www.twilio.com/docs/usage/security#validating-requests.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import parse_qs, parse_qsl, urlsplit

from notifier.receipts.base import Event, Forged, Kind

SIGNATURE = "x-twilio-signature"
#: https://www.twilio.com/docs/api/errors: what says that the number itself is at fault.
HARD = {
    "21610": Kind.UNSUBSCRIBED,  # the recipient answered STOP
    "30003": Kind.UNDELIVERED,  # switched off or out of reach: it may come back
    "30004": Kind.UNSUBSCRIBED,  # the recipient's carrier blocks us
    "30005": Kind.BOUNCED,  # unknown or no longer in use
    "30006": Kind.BOUNCED,  # a landline, or a carrier that cannot be reached
}


class TwilioReceipts:
    """``auth_token`` is the account's; it signs what Twilio sends."""

    def __init__(self, auth_token: str) -> None:
        self._key = auth_token.encode()

    def verify(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        given = headers.get(SIGNATURE, "")
        if not hmac.compare_digest(given.encode(), signature(self._key, url, body).encode()):
            raise Forged

    def events(self, url: str, body: bytes) -> list[Event]:
        form = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
        status, code = form.get("MessageStatus", ""), form.get("ErrorCode", "")
        if status == "delivered":
            kind = Kind.DELIVERED
        elif status in ("undelivered", "failed"):
            kind = HARD.get(code, Kind.UNDELIVERED)
        else:  # queued, sending, sent: on its way
            return []
        delivery_id = parse_qs(urlsplit(url).query).get("delivery_id", [""])[0]
        detail = f"Twilio error {code}" if code.isdecimal() else ""
        return [Event(delivery_id, kind, time.time(), status, detail)]


def signature(key: bytes, url: str, body: bytes) -> str:
    """Base64 of HMAC-SHA1 over the URL and each parameter's name and value, in their order."""
    parameters = sorted(set(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)))
    text = url + "".join(f"{name}{value}" for name, value in parameters)
    return base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha1)).decode()
