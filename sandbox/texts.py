"""Text messages that people write to a sender, and Twilio's list of those who stopped one.

The service gets them as in https://www.twilio.com/docs/messaging/guides/webhook-request. To a STOP
at a number, not at a short code, Twilio refuses what is sent afterwards (21610), until a START.
"""

import logging
import re
import secrets
from xml.etree import ElementTree

import orjson

from sandbox.credentials import FROM_NUMBER, Credentials
from sandbox.ledger import Ledger
from sandbox.receipts import Receipts

log = logging.getLogger(__name__)

STOP = frozenset(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"))
START = frozenset(("START", "YES", "UNSTOP"))
_SHORT_CODE = re.compile(r"\d{3,8}")


class Texts:
    """Text messages that people write. ``receipts``: sends them to the service, if it has one."""

    def __init__(self, credentials: Credentials, receipts: Receipts, ledger: Ledger) -> None:
        self._sid = credentials.twilio_sid
        self._receipts = receipts
        self._ledger = ledger
        self._stopped: set[tuple[str, str]] = set()

    def forget(self) -> None:
        """Forget who has stopped which sender."""
        self._stopped.clear()

    def has_stopped(self, number: str, sender: str) -> bool:
        """Return whether somebody has stopped a sender, a number or messaging service."""
        return (number, sender) in self._stopped

    def write(
        self, number: str, body: str, *, to: str = FROM_NUMBER, service: str = "", handled: str = ""
    ) -> str:
        """Have ``number`` write to ``to``; return the id of the message.

        ``service``: the messaging service that ``to`` is in. ``handled``: what Advanced Opt-Out
        took it for (STOP, START or HELP).
        """
        sender = service or to
        word = handled or body.strip().upper()
        if not _SHORT_CODE.fullmatch(sender):
            if word in STOP:
                self._stopped.add((number, sender))
            elif word in START:
                self._stopped.discard((number, sender))
        message_id = f"SM{secrets.token_hex(16)}"
        form = {
            "AccountSid": self._sid,
            "ApiVersion": "2010-04-01",
            "Body": body,
            "From": number,
            "MessageSid": message_id,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": message_id,
            "SmsSid": message_id,
            "SmsStatus": "received",
            "To": to,
            **({"MessagingServiceSid": service} if service else {}),
            **({"OptOutType": handled} if handled else {}),
        }
        self._receipts.of_text(form, lambda answer: self._answer(number, sender, answer))
        return message_id

    def _answer(self, number: str, sender: str, twiml: bytes) -> None:
        """Send what the service answers; to somebody who has stopped the sender it is refused."""
        try:
            messages = list(ElementTree.fromstring(twiml).iter("Message"))
        except ElementTree.ParseError:
            log.warning("the service's answer to a text message is no TwiML")
            return
        for message in messages:
            stopped = self.has_stopped(number, sender)
            form = {"To": number, "From": sender, "Body": "".join(message.itertext())}
            self._ledger.record(
                "twilio",
                "sms",
                number,
                status=400 if stopped else 201,
                accepted=not stopped,
                note="21610" if stopped else "answer",
                message_id=f"SM{secrets.token_hex(16)}",
                body=orjson.dumps(form),
            )
