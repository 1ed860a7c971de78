"""Twilio's incoming messages: one request for each text message to a number of the account.

https://www.twilio.com/docs/messaging/guides/webhook-request
"""

import hmac
import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from notifier.channels.sms import phone
from notifier.replies import LONGEST_TEXT, Kind, Reply
from notifier.security.signed_forms import SignedForms, form_fields

_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
#: Characters of a sender's name that are stored.
LONGEST_SENDER = 64
#: Advanced Opt-Out says what it took a message for, and has answered it.
_HANDLED = {"STOP": Kind.STOP, "START": Kind.START, "HELP": Kind.HELP}


class TwilioReplies:
    """Twilio's reports of replies.

    ``account_sid``: whose messages they are. ``sender``: our number, in E.164 or a short code, or
    our messaging service's id. ``url``: the one that Twilio was given.

    A request's signature covers no time, and Twilio may repeat one: ``Reply.message_id`` tells.
    """

    content_type = "text/xml; charset=utf-8"

    def __init__(self, *, account_sid: str, auth_token: str, sender: str, url: str) -> None:
        self._account = account_sid
        self._sender = sender
        self._signed = SignedForms(auth_token=auth_token, url=url)

    def verify(self, headers: Mapping[str, str], query: str, body: bytes) -> bool:
        return self._signed.verify(headers, query, body)

    def read(self, body: bytes) -> Reply:
        fields = dict(form_fields(body))
        if not hmac.compare_digest(fields.get("AccountSid", "").encode(), self._account.encode()):
            raise ValueError("AccountSid is another account's.")
        message_id = fields.get("MessageSid", "")
        if not _MESSAGE_SID.fullmatch(message_id):
            raise ValueError("MessageSid is no id of a message.")
        return Reply(
            message_id,
            self._written_to(fields.get("To", ""), fields.get("MessagingServiceSid", "")),
            phone(fields.get("From", "")),
            fields.get("Body", "")[:LONGEST_TEXT].replace("\0", ""),
            _HANDLED.get(fields.get("OptOutType", "").strip().upper()),
        )

    def answer(self, text: str) -> bytes:
        message = f"<Message>{escape(text)}</Message>" if text else ""
        return f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>'.encode()

    def _written_to(self, number: str, service: str) -> str:
        """Return our sender, whichever way the request names it, or else what was written to."""
        number = phone(number) or number.strip()
        return (
            self._sender
            if self._sender in (number, service)
            else (service or number)[:LONGEST_SENDER]
        )
