"""SendGrid's v3 Mail Send: one request for many recipients.

SendGrid substitutes what differs between them:
https://www.twilio.com/docs/sendgrid/for-developers/sending-email/substitution-tags
"""

import re
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from notifier.channels import email
from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Retry
from notifier.providers.base import (
    UNEXPLAINED,
    Provider,
    Report,
    Rule,
    Sent,
    Shared,
    code_of,
    log_bug,
    status_rule,
)
from notifier.providers.substitution import Personal, merge, shared_letter
from notifier.resilience.fair_queue import Flow
from notifier.transport.http import Reply, Wire
from notifier.transport.mail import AUTO_SUBMITTED

#: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
ADDRESS_RULE = Rule(Reason.INVALID_ADDRESS, disable=True)  # personalizations.N.to.M.email
PERSONALIZATION_RULE = Rule(Reason.INVALID_MESSAGE)  # personalizations.N and anything else
#: 400 for the account's set-up: its sender identity, templates and address pools.
SENDER_RULE = Rule(Reason.SENDER_REFUSED)
SENDER_FIELD = re.compile(r"(from|reply_to|template_id|asm|ip_pool_name|mail_settings)\b")
RULES = {
    400: Rule(Reason.INVALID_MESSAGE),
    # "Maximum credits exceeded", and keys that are revoked or may not send.
    401: Rule(Reason.AUTHENTICATION),
    402: Rule(Reason.RATE_LIMITED, again=True, pause=3600.0),  # out of credits
    # "The from address does not match a verified Sender Identity": the same for every message.
    403: Rule(Reason.AUTHENTICATION),
    413: Rule(Reason.TOO_LARGE),
    # Limits are per minute; X-RateLimit-Reset mostly says when the current one ends.
    429: Rule(Reason.RATE_LIMITED, again=True, pause=60.0),
}
PERSONALIZATIONS = "personalizations"
NAMED = re.compile(r"personalizations[.\[](\d+)\]?(\.to[.\[]\d+\]?\.email)?")

#: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations
MOST_PERSONALIZATIONS = 1000
#: Bytes of one personalization's substitutions by the reference of Mail Send; the page on
#: substitution tags allows 50,000.
MOST_SUBSTITUTED = 10_000
PATH = "/v3/mail/send"


class SendGrid(Provider):
    """SendGrid's Mail Send.

    ``base_url`` and ``ca_file`` (PEM) select a sandbox. ``timeout``: seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        api_key: str,
        from_email: str,
        from_name: str = "",
        base_url: str = "https://api.sendgrid.com",
        ca_file: str | None = None,
        timeout: float = 10.0,
        concurrency: int = 256,
    ) -> None:
        super().__init__(name, timeout=timeout, concurrency=concurrency)
        self._from = {"email": from_email, **({"name": from_name} if from_name else {})}
        self._headers = {
            "authorization": f"Bearer {api_key}",
            "content-type": "application/json",
        }
        self._wire = Wire(base_url, ca_file=ca_file, timeout=timeout)

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        """Send messages in as few requests as possible.

        Messages share a request if they are equal, or differ only in what SendGrid substitutes.
        """
        shared = Shared(lambda message: email.render(message.content))
        same: dict[int, tuple[email.Rendered, list[Message]]] = {}
        for message in messages:
            try:
                mail = shared[message]
            except Exception as error:  # a bug, which must not affect the other messages
                about = {"delivery_id": message.id, "notification_id": message.notification_id}
                log_bug(f"provider {self.name}, delivery {message.id}", error, about)
                odd = Retry(Reason.INTERNAL, detail=type(error).__name__)
                report(Sent(message, self.name, odd, time.time(), 0.0))
            else:
                same.setdefault(id(mail), (mail, []))[1].append(message)
        letters = [shared_letter(mail, group) for mail, group in same.values() if len(group) > 1]
        own = [(group[0], mail) for mail, group in same.values() if len(group) == 1]
        letters += merge(own, MOST_SUBSTITUTED)
        requests = [
            (self._mail(one.mail), batch) for one in letters for batch in _batches(one.people)
        ]
        self._begins()
        await self._pool.run(requests, partial(self._request, report), self._request_flow)

    async def close(self) -> None:
        await self._wire.close()

    def _request_flow(self, request: tuple[bytes, list[Personal]]) -> Flow:
        return self._flow(request[1][0].message)

    async def _request(self, report: Report, request: tuple[bytes, list[Personal]]) -> None:
        """Send a batch in one request, and what SendGrid refuses of it in further ones.

        A 400 or 413 means that it took no message, and one bad address must not cost the others
        theirs. A fault of the sender or the content is the same for all, and is not retried.
        """
        mail, batch = request
        waiting = [batch]
        while waiting:
            started_at, started = time.time(), time.perf_counter()
            batch = [
                one for one in waiting.pop() if not self._stopped(one.message, started_at, report)
            ]
            if not batch:
                continue
            answer = await self._outcome(self._post(mail, batch), batch[0].message.id)
            duration = time.perf_counter() - started
            self._ended(answer, duration)
            if isinstance(answer, Reply):
                outcomes, left = _judge(answer, batch)
            elif isinstance(answer, Retry) and answer.reason is Reason.INTERNAL and len(batch) > 1:
                outcomes, left = {}, _halves(batch)  # nothing was written; one message is at fault
            else:
                outcomes, left = dict.fromkeys(range(len(batch)), answer), []
            waiting += left
            for index, outcome in outcomes.items():
                report(Sent(batch[index].message, self.name, outcome, started_at, duration))

    async def _post(self, mail: bytes, batch: Sequence[Personal]) -> Reply:
        personalizations = [_personalization(one) for one in batch]
        body = b'%s,"personalizations":%s}' % (mail, orjson.dumps(personalizations))
        return await self._wire.request("POST", PATH, headers=self._headers, body=body)

    def _mail(self, rendered: email.Rendered) -> bytes:
        """Encode a request's body up to its personalizations."""
        mail = {
            "from": self._from,
            "subject": rendered.subject,
            "headers": dict([AUTO_SUBMITTED]),
            "content": [
                {"type": "text/plain", "value": rendered.text},
                {"type": "text/html", "value": rendered.html},
            ],
        }
        return orjson.dumps(mail)[:-1]


def _personalization(one: Personal) -> dict[str, Any]:
    found: dict[str, Any] = {
        "to": [{"email": one.message.address}],
        "custom_args": {"delivery_id": one.message.id},
    }
    if one.values:
        found["substitutions"] = one.values
    if headers := email.one_click(one.message.links):
        # A personalization's headers take the place of the mail's.
        found["headers"] = {**dict([AUTO_SUBMITTED]), **headers}
    return found


def _batches(people: Sequence[Personal]) -> list[list[Personal]]:
    """Split people into as few batches as possible.

    No batch has an address twice: SendGrid refuses that.
    """
    batches: list[list[Personal]] = []
    seen: dict[str, int] = {}  # address -> the last batch it is in
    for one in people:
        address = one.message.address.lower()
        index = seen.get(address, -1) + 1
        while index < len(batches) and len(batches[index]) == MOST_PERSONALIZATIONS:
            index += 1
        if index == len(batches):
            batches.append([])
        batches[index].append(one)
        seen[address] = index
    return batches


def _judge(reply: Reply, batch: list[Personal]) -> tuple[dict[int, Outcome], list[list[Personal]]]:
    """Return outcomes by index in ``batch``, and batches to send again in other requests."""
    if reply.ok:
        message_id = reply.header("x-message-id")
        return dict.fromkeys(range(len(batch)), Accepted(message_id, status=reply.status)), []
    named = _errors(reply)
    errors = named or []
    if reply.status == 400 and (bad := _named(errors, len(batch))):
        rest = [one for index, one in enumerate(batch) if index not in bad]
        return dict(bad), [rest] if rest else []
    of_one = not errors or any(field.startswith(PERSONALIZATIONS) for field in errors)
    if (reply.status == 413 or (reply.status == 400 and of_one)) and len(batch) > 1:
        return {}, _halves(batch)
    rule = RULES.get(reply.status) or status_rule(reply.status)
    if reply.status == 400 and named is None:  # not SendGrid's answer
        rule = UNEXPLAINED
    elif reply.status == 400 and any(SENDER_FIELD.match(field) for field in errors):
        rule = SENDER_RULE
    after = reply.retry_after
    if after is None and reply.status == 429:
        after = _reset_after(reply)
    # Its sentences may quote addresses: only the names of fields are kept.
    outcome = rule.outcome(reply.status, ", ".join(errors), after)
    return dict.fromkeys(range(len(batch)), outcome), []


def _halves(batch: list[Personal]) -> list[list[Personal]]:
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]]


def _errors(reply: Reply) -> list[str] | None:
    """Return the fields that SendGrid's errors name; ``None`` for an answer in another format."""
    try:
        answer = orjson.loads(reply.body)
        return [field for error in answer["errors"] if (field := code_of(error.get("field")))]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def _named(fields: list[str], size: int) -> dict[int, Outcome]:
    """Return the outcomes of the personalizations that the fields name, by index."""
    bad: dict[int, Outcome] = {}
    for field in fields:
        found = NAMED.match(field)
        if found and len(found[1]) <= 4 and int(found[1]) < size:
            rule = ADDRESS_RULE if found[2] else PERSONALIZATION_RULE
            bad[int(found[1])] = rule.outcome(400, field)
    return bad


def _reset_after(reply: Reply) -> float | None:
    """Return the seconds until ``X-RateLimit-Reset`` (unix seconds), SendGrid's own header."""
    reset = re.fullmatch(r"[0-9]{1,12}", reply.header("x-ratelimit-reset"))
    return max(0.0, int(reset[0]) - time.time()) if reset else None
