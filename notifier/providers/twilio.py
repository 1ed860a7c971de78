"""Twilio's Messages resource: text messages.

HTTP is our own: the SDK's costs two to fifty times as much, and one of its clients can return
another message's SID.
"""

import base64
import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import orjson

from notifier.channels import sms
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome, Reason
from notifier.providers.base import Provider, Report, Rule, Shared, status_rule, unreadable
from notifier.transport.http import Reply, Wire

_SENDER = Rule(Reason.SENDER_REFUSED)
_NUMBER = Rule(Reason.INVALID_ADDRESS, disable=True)
#: https://www.twilio.com/docs/api/errors
RULES = {
    # The account.
    20003: Rule(Reason.AUTHENTICATION),
    20005: Rule(Reason.AUTHENTICATION),  # not active
    30002: Rule(Reason.AUTHENTICATION),  # suspended
    20404: _SENDER,  # no such account
    21219: _SENDER,  # a trial account, and the number is not verified
    21408: _SENDER,  # may not send to that region
    21608: _SENDER,  # a trial account, and the number is not verified
    21609: _SENDER,  # our callback's URL
    # The sender: "From", a messaging service, what it is registered for.
    21210: _SENDER,
    21212: _SENDER,  # invalid "From"
    21401: _SENDER,
    21601: _SENDER,
    21603: _SENDER,  # no "From"
    21606: _SENDER,  # cannot send, not this account's, or not to that destination
    21607: _SENDER,
    21612: _SENDER,  # no route from this sender to that number: another sender may have one
    21659: _SENDER,
    21660: _SENDER,  # another account's number
    21661: _SENDER,
    21701: _SENDER,  # no such messaging service
    21702: _SENDER,
    21703: _SENDER,  # a messaging service without a number
    21704: _SENDER,
    21705: _SENDER,
    21712: _SENDER,
    30024: _SENDER,  # not provisioned at that carrier
    30032: _SENDER,  # a toll-free number that is not verified
    30033: _SENDER,  # the A2P campaign is suspended
    30034: _SENDER,  # not registered for A2P 10DLC
    30037: _SENDER,  # outbound messages are switched off
    30040: _SENDER,  # that carrier wants senders registered
    # The number, where it alone can be at fault: 21614 is a landline or not a number.
    21211: _NUMBER,  # invalid "To"
    21214: _NUMBER,  # cannot be reached
    21217: _NUMBER,  # does not appear to be valid
    21265: _NUMBER,  # a short code
    21614: _NUMBER,
    21635: _NUMBER,  # a landline
    21604: _SENDER,  # no "To": every address has been checked, so this is a bug of ours
    21610: Rule(Reason.OPTED_OUT, disable=True),  # the recipient answered STOP
    # The content.
    21602: Rule(Reason.INVALID_MESSAGE),  # no body
    21617: Rule(Reason.TOO_LARGE),
    21619: Rule(Reason.INVALID_MESSAGE),
    30019: Rule(Reason.TOO_LARGE),
    # Rate limits. Twilio queues for hours what a sender cannot send at once, and has daily limits.
    20429: Rule(Reason.RATE_LIMITED, again=True, pause=10.0),  # calls of the account at one time
    21611: Rule(Reason.RATE_LIMITED, again=True, pause=300.0),  # the sender's queue is full
    30001: Rule(Reason.RATE_LIMITED, again=True, pause=300.0),
    30022: Rule(Reason.RATE_LIMITED, again=True, pause=60.0),  # A2P 10DLC, a minute's rate
    30023: Rule(Reason.RATE_LIMITED, again=True, pause=3600.0),  # A2P 10DLC, daily
    63038: Rule(Reason.RATE_LIMITED, again=True, pause=3600.0),  # the account's, daily
}
BUSY = Rule(Reason.RATE_LIMITED, again=True, pause=10.0)  # 429 without a code
#: https://www.twilio.com/docs/messaging/api/message-resource: ValidityPeriod, in seconds.
LONGEST_VALIDITY = 36_000


class Twilio(Provider):
    """Twilio's Messages resource.

    The sender is ``from_number`` (E.164) or ``messaging_service_sid``. ``status_callback``: the URL
    that Twilio reports to; the delivery's id is added to its query as ``delivery_id``. ``base_url``
    and ``ca_file`` (PEM) select a sandbox. ``timeout``: seconds.

    Sending is not idempotent: a call that may have been written is never repeated here.
    """

    def __init__(
        self,
        name: str,
        *,
        account_sid: str,
        auth_token: str,
        from_number: str = "",
        messaging_service_sid: str = "",
        status_callback: str = "",
        base_url: str = "https://api.twilio.com",
        ca_file: str | None = None,
        timeout: float = 10.0,
        concurrency: int = 256,
    ) -> None:
        super().__init__(name, timeout=timeout, concurrency=concurrency)
        if not (from_number or messaging_service_sid):
            raise ValueError("Twilio needs from_number or messaging_service_sid")
        self._sender = (
            {"MessagingServiceSid": messaging_service_sid}
            if messaging_service_sid
            else {"From": from_number}
        )
        self._callback = quote(_ending_in_delivery_id(status_callback), safe="")
        self._path = f"/2010-04-01/Accounts/{account_sid}/Messages.json"
        pair = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._headers = {
            "authorization": f"Basic {pair}",
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        self._wire = Wire(base_url, ca_file=ca_file, timeout=timeout)

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        await self._each(messages, partial(self._send, Shared(self._form)), report)

    async def close(self) -> None:
        await self._wire.close()

    async def _send(self, forms: Shared[str], message: Message) -> Outcome:
        form = f"{forms[message]}&To={quote(message.address, safe='')}"
        if self._callback:
            form += f"&StatusCallback={self._callback}{quote(message.id, safe='')}"
        reply = await self._wire.request(
            "POST", self._path, headers=self._headers, body=form.encode()
        )
        return _outcome(reply)

    def _form(self, message: Message) -> str:
        form = {**self._sender, "Body": sms.text(message.content)}
        if message.deadline is not None:
            left = int(message.deadline - time.time())
            form["ValidityPeriod"] = str(max(1, min(LONGEST_VALIDITY, left)))
        return urlencode(form)


def _ending_in_delivery_id(callback: str) -> str:
    """Return ``callback`` with a query that ends in ``delivery_id=``; empty if there is none."""
    if not callback:
        return ""
    url = urlsplit(callback)
    query = urlencode([*parse_qsl(url.query), ("delivery_id", "")])
    return urlunsplit(url._replace(query=query, fragment=""))


def _outcome(reply: Reply) -> Outcome:
    try:
        answer = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        answer = {}
    if reply.ok:
        sid = answer.get("sid")
        return Accepted(sid, status=reply.status) if isinstance(sid, str) else unreadable()
    code = answer.get("code")
    rule = RULES.get(code) if isinstance(code, int) else None
    # Twilio's sentences quote the number: only the code is kept.
    detail = f"Twilio error {code}" if isinstance(code, int) else ""
    if rule is None:
        rule = BUSY if reply.status == 429 else status_rule(reply.status)
    return rule.outcome(reply.status, detail, reply.retry_after)
