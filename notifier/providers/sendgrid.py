"""SendGrid's v3 Mail Send: many recipients in one request, what differs between them put in by
SendGrid (https://www.twilio.com/docs/sendgrid/for-developers/sending-email/substitution-tags)."""

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
from notifier.providers.substitution import Letter, Personal, merge
from notifier.resilience.fair_queue import Flow
from notifier.transport.http import Reply, Wire

#: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
ADDRESS_RULE = Rule(Reason.INVALID_ADDRESS, disable=True)  # personalizations.N.to.M.email
PERSONALIZATION_RULE = Rule(Reason.INVALID_MESSAGE)  # personalizations.N and anything else
#: 400 for what the account sets up: its sender identity, templates and pools of addresses.
SENDER_RULE = Rule(Reason.SENDER_REFUSED)
SENDER_FIELD = re.compile(r"(from|reply_to|template_id|asm|ip_pool_name|mail_settings)\b")
RULES = {
    400: Rule(Reason.INVALID_MESSAGE),
    # "Maximum credits exceeded", and keys that are revoked or may not send.
    401: Rule(Reason.AUTHENTICATION),
    402: Rule(Reason.RATE_LIMITED, again=True, pause=3600.0),  # out of credits
    # "The from address does not match a verified Sender Identity": so for every message.
    403: Rule(Reason.AUTHENTICATION),
    413: Rule(Reason.TOO_LARGE),
    # Its limits are of a minute each; X-RateLimit-Reset mostly says how much of it is left.
    429: Rule(Reason.RATE_LIMITED, again=True, pause=60.0),
}
PERSONALIZATIONS = "personalizations"
NAMED = re.compile(r"personalizations[.\[](\d+)\]?(\.to[.\[]\d+\]?\.email)?")

#: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations
MOST_PERSONALIZATIONS = 1000
#: Bytes of one personalization's substitutions, by the reference of Mail Send; the page on
#: substitution tags allows 50,000.
MOST_SUBSTITUTED = 10_000
PATH = "/v3/mail/send"


class SendGrid(Provider):
    """``base_url`` and ``ca_file`` (PEM) lead to a sandbox. ``timeout`` in seconds."""

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
        """Many messages share a request: those that say the same, and those that differ by what
        SendGrid puts in for each person."""
        shared = Shared(lambda message: email.render(message.content))
        same: dict[int, tuple[email.Rendered, list[Message]]] = {}
        for message in messages:
            try:
                mail = shared[message]
            except Exception as error:  # a bug, which must not cost the others their mail
                log_bug(f"provider {self.name}, delivery {message.id}", error)
                odd = Retry(Reason.INTERNAL, detail=type(error).__name__)
                report(Sent(message, self.name, odd, time.time(), 0.0))
            else:
                same.setdefault(id(mail), (mail, []))[1].append(message)
        letters = [
            Letter(mail, [Personal(message, {}) for message in group])
            for mail, group in same.values()
            if len(group) > 1
        ]
        own = [(group[0], mail) for mail, group in same.values() if len(group) == 1]
        letters += merge(own, MOST_SUBSTITUTED)
        requests = [
            (self._mail(letter.mail), batch)
            for letter in letters
            for batch in _batches(letter.people)
        ]
        self._begins()
        await self._pool.run(requests, partial(self._request, report), self._turn)

    async def close(self) -> None:
        await self._wire.close()

    def _turn(self, request: tuple[bytes, list[Personal]]) -> Flow:
        return self._flow(request[1][0].message)

    async def _request(self, report: Report, request: tuple[bytes, list[Personal]]) -> None:
        """Send the messages in one request, and what SendGrid leaves of them in further ones: a 400
        or 413 means that it took none, and one bad address must not discard the rest. What is wrong
        with the sender or the content is wrong for all, and asked once."""
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
                outcomes, left = {}, _halves(batch)  # nothing was written; one of them is odd
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
        """A request's body but for its personalizations and its end."""
        mail = {
            "from": self._from,
            "subject": rendered.subject,
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
    return found


def _batches(people: Sequence[Personal]) -> list[list[Personal]]:
    """As few as possible, with no address twice in one: SendGrid refuses that."""
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
    """Outcomes by place in ``batch``, and what is to be sent again in other requests."""
    if reply.ok:
        message_id = reply.header("x-message-id")
        return dict.fromkeys(range(len(batch)), Accepted(message_id, status=reply.status)), []
    said = _errors(reply)
    errors = said or []
    if reply.status == 400 and (bad := _named(errors, len(batch))):
        rest = [one for index, one in enumerate(batch) if index not in bad]
        return dict(bad), [rest] if rest else []
    anyones = not errors or any(field.startswith(PERSONALIZATIONS) for field in errors)
    if (reply.status == 413 or (reply.status == 400 and anyones)) and len(batch) > 1:
        return {}, _halves(batch)
    rule = RULES.get(reply.status) or status_rule(reply.status)
    if reply.status == 400 and said is None:  # not SendGrid's words
        rule = UNEXPLAINED
    elif reply.status == 400 and any(SENDER_FIELD.match(field) for field in errors):
        rule = SENDER_RULE
    after = reply.retry_after
    if after is None and reply.status == 429:
        after = _reset_after(reply)
    # Its sentences may quote addresses: only the fields they are about are kept.
    outcome = rule.outcome(reply.status, ", ".join(errors), after)
    return dict.fromkeys(range(len(batch)), outcome), []


def _halves(batch: list[Personal]) -> list[list[Personal]]:
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]]


def _errors(reply: Reply) -> list[str] | None:
    """The fields SendGrid complains about; ``None`` where it is no answer of SendGrid's."""
    try:
        answer = orjson.loads(reply.body)
        return [field for error in answer["errors"] if (field := code_of(error.get("field")))]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def _named(fields: list[str], size: int) -> dict[int, Outcome]:
    """The personalizations that the fields name, and what is wrong with each."""
    bad: dict[int, Outcome] = {}
    for field in fields:
        found = NAMED.match(field)
        if found and len(found[1]) <= 4 and int(found[1]) < size:
            rule = ADDRESS_RULE if found[2] else PERSONALIZATION_RULE
            bad[int(found[1])] = rule.outcome(400, field)
    return bad


def _reset_after(reply: Reply) -> float | None:
    """SendGrid says when its limit is lifted in a header of its own, in unix seconds."""
    reset = re.fullmatch(r"[0-9]{1,12}", reply.header("x-ratelimit-reset"))
    return max(0.0, int(reset[0]) - time.time()) if reset else None
