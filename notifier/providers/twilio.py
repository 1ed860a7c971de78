"""Twilio's Messages resource: text messages.

The wire is ours: the SDK's own costs two to fifty times as much, and one of its clients can
return another message's SID. Its words (status, code) are kept.
"""

import base64
import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import orjson

from notifier.channels import sms
from notifier.http import Reply, Wire
from notifier.messages import Message
from notifier.outcomes import Accepted, Outcome, Reason
from notifier.providers.base import Provider, Report, Rule, Shared, status_rule, unreadable

#: https://www.twilio.com/docs/api/errors
RULES = {
    20003: Rule(Reason.AUTHENTICATION),
    20005: Rule(Reason.AUTHENTICATION),  # account not active
    20429: Rule(Reason.RATE_LIMITED, again=True),
    21211: Rule(Reason.INVALID_ADDRESS, disable=True),  # invalid "To"
    21214: Rule(Reason.INVALID_ADDRESS, disable=True),  # "To" cannot be reached
    21217: Rule(Reason.INVALID_ADDRESS, disable=True),  # does not appear to be valid
    21265: Rule(Reason.INVALID_ADDRESS, disable=True),  # "To" is a short code
    21408: Rule(Reason.REJECTED),  # this account may not send to that region
    21602: Rule(Reason.INVALID_MESSAGE),  # no body
    21604: Rule(Reason.INVALID_ADDRESS, disable=True),  # no "To"
    21610: Rule(Reason.OPTED_OUT, disable=True),  # the recipient answered STOP
    21611: Rule(Reason.RATE_LIMITED, again=True),  # the sender's queue is full
    21612: Rule(Reason.REJECTED),  # no route from this sender to that number
    21614: Rule(Reason.INVALID_ADDRESS, disable=True),  # not a mobile number
    21617: Rule(Reason.TOO_LARGE),
    63038: Rule(Reason.RATE_LIMITED, again=True),  # the account's daily limit
}
#: https://www.twilio.com/docs/messaging/api/message-resource: ValidityPeriod, in seconds.
LONGEST_VALIDITY = 36_000


class Twilio(Provider):
    """``from_number`` (E.164) or ``messaging_service_sid`` is the sender. ``status_callback``:
    the URL Twilio reports to; the delivery's id is added to its query as ``delivery_id``.
    ``base_url`` and ``ca_file`` (PEM) lead to a sandbox. ``timeout`` in seconds.

    Sending is not idempotent: a call that may have been written is never made again here.
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
    """``callback`` with a query that only wants the id at its end; empty where there is none."""
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
    # Its sentences quote the number: only the code is kept.
    detail = f"Twilio error {code}" if isinstance(code, int) else ""
    return (rule or status_rule(reply.status)).outcome(reply.status, detail, reply.retry_after)
