"""Twilio's Messages resource: ``POST /2010-04-01/Accounts/{sid}/Messages.json``.

Fields as in https://www.twilio.com/docs/messaging/api/message-resource, codes as in
https://www.twilio.com/docs/api/errors.
"""

import base64
import datetime
import hmac
import re
import secrets
from collections.abc import Sequence
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import orjson

from sandbox.behaviours import Behaviours
from sandbox.credentials import Credentials
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Request, json_answer
from sandbox.providers.endpoint import Endpoint, Received, Refusal
from sandbox.receipts import AcceptedMessage, Receipts
from sandbox.texts import Texts

PATH = re.compile(r"/2010-04-01/Accounts/([^/]+)/Messages\.json")
E164 = re.compile(r"\+[1-9]\d{6,14}")
SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}")
SERVICE = re.compile(r"MG[0-9a-f]{32}")
#: Twilio's own magic numbers: https://www.twilio.com/docs/iam/test-credentials
INVALID_NUMBER = "+15005550001"
BODY_LIMIT = 1600

REFUSALS = {
    "401": (401, 20003, "Authenticate"),
    "403": (403, 20005, "Account is not active"),
    "429": (429, 20429, "Too Many Requests"),
    "500": (500, 20500, "An internal server error has occurred"),
    "503": (503, 20503, "Service Unavailable"),
    "dead": (400, 21610, "Attempt to send to unsubscribed recipient"),
}


class Twilio(Endpoint):
    """``POST /2010-04-01/Accounts/{sid}/Messages.json``."""

    name = "twilio"
    channel = "sms"

    def __init__(
        self,
        ledger: Ledger,
        behaviours: Behaviours,
        credentials: Credentials,
        receipts: Receipts,
        texts: Texts,
    ) -> None:
        super().__init__(ledger, behaviours)
        self._receipts = receipts
        self._texts = texts
        pair = f"{credentials.twilio_sid}:{credentials.twilio_token}"
        self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._sid = credentials.twilio_sid

    def receive(self, request: Request) -> Answer:
        account = PATH.fullmatch(request.path)
        authorization = request.headers.get("authorization", "")
        if not hmac.compare_digest(authorization.encode(), self._authorization.encode()):
            raise _refusal(401, 20003, "Authenticate")
        if account is None or account[1] != self._sid:
            sentence = f"The requested resource {request.path} was not found"
            raise _refusal(404, 20404, sentence)
        form = {
            key: values[0]
            for key, values in parse_qs(request.body.decode("utf-8", "replace")).items()
        }
        _check(form)
        sender = form.get("MessagingServiceSid") or form["From"]
        if self._texts.has_stopped(form["To"], sender):
            raise _refusal(*REFUSALS["dead"], form["To"])
        callback = form.get("StatusCallback", "")
        delivery_id = parse_qs(urlsplit(callback).query).get("delivery_id", [""])[0]
        sid = f"SM{secrets.token_hex(16)}"
        return self.settle(
            [Received(form["To"], delivery_id, orjson.dumps(form))],
            json_answer(201, orjson.dumps(self._resource(form, sid))),
            sid,
        )

    def refusal(self, word: str) -> Answer:
        return _error(*REFUSALS[word])

    def report(self, messages: Sequence[Received], accepted: Sequence[AcceptedMessage]) -> None:
        if self._receipts.url is None:
            return
        for message, one in zip(messages, accepted, strict=True):
            form = orjson.loads(message.body)
            sender = {key: form[key] for key in ("From", "MessagingServiceSid") if key in form}
            self._receipts.of_twilio(one, form.get("StatusCallback", ""), sender)

    def _resource(self, form: dict[str, str], sid: str) -> dict[str, object]:
        now = format_datetime(datetime.datetime.now(datetime.UTC))
        uri = f"/2010-04-01/Accounts/{self._sid}/Messages/{sid}"
        service = form.get("MessagingServiceSid")
        return {
            "account_sid": self._sid,
            "api_version": "2010-04-01",
            "body": form.get("Body", ""),
            "date_created": now,
            "date_sent": None,
            "date_updated": now,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": service,
            "num_media": "0",
            "num_segments": "0" if service else str(_segments(form.get("Body", ""))),
            "price": None,
            "price_unit": None,
            "sid": sid,
            "status": "accepted" if service else "queued",
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": form["To"],
            "uri": f"{uri}.json",
        }


def _check(form: dict[str, str]) -> None:
    to = form.get("To", "")
    if not to:
        raise _refusal(400, 21604, "A 'To' phone number is required.")
    if not E164.fullmatch(to) or to == INVALID_NUMBER:
        raise _refusal(400, 21211, f"Invalid 'To' Phone Number: {to}", to)
    sender, service = form.get("From", ""), form.get("MessagingServiceSid", "")
    if not sender and not service:
        raise _refusal(400, 21603, "A 'From' phone number is required.", to)
    if service and not SERVICE.fullmatch(service):
        raise _refusal(400, 21701, "The Messaging Service does not exist", to)
    if sender and (not SENDER.fullmatch(sender) or sender == INVALID_NUMBER):
        raise _refusal(400, 21212, f"Invalid From Number (caller ID): {sender}", to)
    body = form.get("Body", "")
    if not body and "MediaUrl" not in form:
        raise _refusal(400, 21602, "Message body is required.", to)
    if len(body) > BODY_LIMIT:
        sentence = "The concatenated message body exceeds the 1600 character limit"
        raise _refusal(400, 21617, sentence, to)
    callback = form.get("StatusCallback", "")
    if callback and urlsplit(callback).scheme not in ("http", "https"):
        raise _refusal(400, 21609, f"The StatusCallback URL {callback} is not a valid URL.", to)


def _segments(body: str) -> int:
    """Count the SMS of a text: 160 characters (153 each in several), else 70 (67) of UTF-16."""
    if body.isascii():
        return 1 if len(body) <= 160 else -(-len(body) // 153)
    units = len(body.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)


def _error(status: int, code: int, sentence: str) -> Answer:
    body = {
        "code": code,
        "message": sentence,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return json_answer(status, orjson.dumps(body))


def _refusal(status: int, code: int, sentence: str, address: str = "") -> Refusal:
    return Refusal(_error(status, code, sentence), str(code), address)
