"""SendGrid's Mail Send: ``POST /v3/mail/send``.

Fields, limits and sentences as in
https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Any

import orjson

from sandbox.behaviours import LATER, Behaviours
from sandbox.credentials import Credentials
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Request, json_answer
from sandbox.providers.endpoint import Endpoint, Received, Refusal
from sandbox.receipts import AcceptedMessage, Receipts

PATH = "/v3/mail/send"
SIZE_LIMIT = 30 * 1024 * 1024
MOST_PERSONALIZATIONS = 1000
MOST_RECIPIENTS = 1000
CUSTOM_ARGS_LIMIT = 10_000
SUBSTITUTIONS_LIMIT = 10_000
EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")
FIELDS = ("to", "cc", "bcc")
#: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
RESERVED_HEADERS = frozenset(
    {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "from", "to", "cc", "bcc"}
    | {"content-transfer-encoding", "subject", "reply-to"}
)

REFUSALS = {
    "401": (401, "The provided authorization grant is invalid, expired, or revoked"),
    "403": (403, "access forbidden"),
    "429": (429, "too many requests"),
    "500": (500, "an unexpected error occurred"),
    "503": (503, "the service is not available"),
}


class Sendgrid(Endpoint):
    """``POST /v3/mail/send``."""

    name = "sendgrid"
    channel = "email"
    later = LATER | {"dead"}

    def __init__(
        self,
        ledger: Ledger,
        behaviours: Behaviours,
        credentials: Credentials,
        receipts: Receipts,
    ) -> None:
        super().__init__(ledger, behaviours)
        self._receipts = receipts
        self._authorization = f"Bearer {credentials.sendgrid_key}"

    def receive(self, request: Request) -> Answer:
        authorization = request.headers.get("authorization", "")
        if not hmac.compare_digest(authorization.encode(), self._authorization.encode()):
            raise Refusal(_error(*REFUSALS["401"], None), "unauthorized")
        if len(request.body) > SIZE_LIMIT:
            raise _refusal("The payload is larger than 30 MB", None, 413)
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise _refusal("Content-Type should be application/json.", "content-type", 415)
        try:
            mail = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise _refusal("Bad Request", None) from None
        if not isinstance(mail, dict):
            raise _refusal("Bad Request", None)
        personalizations = _check_personalizations(mail)
        _check_from(mail)
        _check_subject(mail, personalizations)
        _check_content(mail)
        message_id = secrets.token_urlsafe(16)
        _check_headers(mail.get("headers", {}), "headers")
        shared = {
            key: mail[key] for key in ("from", "subject", "content", "headers") if key in mail
        }
        messages = [
            Received(
                person["email"],
                str(personalization["custom_args"].get("delivery_id", "")),
                orjson.dumps(_substituted({**shared, **personalization})),
            )
            for personalization in personalizations
            for field in FIELDS
            for person in personalization.get(field, ())
        ]
        return self.settle(messages, Answer(202, b"", [("x-message-id", message_id)]), message_id)

    def report(self, messages: Sequence[Received], accepted: Sequence[AcceptedMessage]) -> None:
        self._receipts.of_sendgrid(accepted)

    def refusal(self, word: str) -> Answer | None:
        return _error(*REFUSALS[word], None)


def _check_personalizations(mail: dict[str, Any]) -> list[dict[str, Any]]:
    personalizations = mail.get("personalizations")
    if not isinstance(personalizations, list) or not personalizations:
        raise _refusal(
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
        )
    if len(personalizations) > MOST_PERSONALIZATIONS:
        raise _refusal(
            "The personalization block is limited to 1000 personalizations per API request. "
            f"You have provided {len(personalizations)} personalizations.",
            "personalizations",
        )
    seen: set[str] = set()
    for index, personalization in enumerate(personalizations):
        here = f"personalizations.{index}"
        if not isinstance(personalization, dict) or not personalization.get("to"):
            sentence = "The to array is required for all personalization objects."
            raise _refusal(sentence, f"{here}.to")
        arguments = personalization.setdefault("custom_args", {})
        if not isinstance(arguments, dict) or len(orjson.dumps(arguments)) > CUSTOM_ARGS_LIMIT:
            sentence = "The custom_args must be an object of at most 10000 bytes."
            raise _refusal(sentence, f"{here}.custom_args")
        _check_substitutions(personalization.get("substitutions", {}), f"{here}.substitutions")
        _check_headers(personalization.get("headers", {}), f"{here}.headers")
        for field in FIELDS:
            people = personalization.get(field, [])
            if not isinstance(people, list):
                raise _refusal(f"The {field} parameter must be an array.", f"{here}.{field}")
            for place, person in enumerate(people):
                _check_person(person, f"{here}.{field}.{place}.email")
                email = person["email"].lower()
                if email in seen:
                    raise _refusal(
                        "Each unique email address in the personalizations array should only be "
                        f"included once. You have included [{email}] more than once.",
                        f"{here}.{field}",
                        address=email,
                    )
                seen.add(email)
    if len(seen) > MOST_RECIPIENTS:
        sentence = "There is a limit of 1000 total recipients (to + cc + bcc) per request."
        raise _refusal(sentence, "personalizations")
    return personalizations


def _check_substitutions(substitutions: object, field: str) -> None:
    if not isinstance(substitutions, dict) or not all(
        isinstance(value, str) for value in substitutions.values()
    ):
        sentence = "The substitutions parameter must be an object of strings."
        raise _refusal(sentence, field)
    size = sum(len(tag.encode()) + len(value.encode()) for tag, value in substitutions.items())
    if size > SUBSTITUTIONS_LIMIT:
        sentence = f"The substitutions are limited to {SUBSTITUTIONS_LIMIT} bytes."
        raise _refusal(sentence, field)


def _check_headers(headers: object, field: str) -> None:
    """Refuse what is no object of texts, and headers that are SendGrid's own."""
    if not isinstance(headers, dict) or not all(
        isinstance(value, str) for value in headers.values()
    ):
        raise _refusal("The headers parameter must be an object of strings.", field)
    if reserved := RESERVED_HEADERS & {name.lower() for name in headers}:
        raise _refusal(f"The {sorted(reserved)[0]} header is reserved.", field)


def _substituted(mail: dict[str, Any]) -> dict[str, Any]:
    """Return the mail with the tags in subject and content replaced, but not those in values."""
    values = mail.get("substitutions")
    if not values:
        return mail
    tags = re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True))))

    def substitute(text: str) -> str:
        return tags.sub(lambda found: values[found[0]], text)

    content = [{**part, "value": substitute(part["value"])} for part in mail.get("content", ())]
    return {**mail, "subject": substitute(mail.get("subject", "")), "content": content}


def _check_from(mail: dict[str, Any]) -> None:
    if "from" not in mail:
        sentence = "The from object must be provided for every email send. It is an object that "
        raise _refusal(sentence + "requires the email parameter.", "from.email")
    _check_person(mail["from"], "from.email")


def _check_person(person: object, field: str) -> None:
    email = person.get("email") if isinstance(person, dict) else None
    if not isinstance(email, str) or not EMAIL.fullmatch(email):
        raise _refusal("Does not contain a valid address.", field)


def _check_subject(mail: dict[str, Any], personalizations: list[dict[str, Any]]) -> None:
    if mail.get("template_id") or mail.get("subject"):
        return
    if not all(personalization.get("subject") for personalization in personalizations):
        raise _refusal(
            "The subject is required. You can get around this requirement if you use a template "
            "with a subject defined or if every personalization has a subject defined.",
            "subject",
        )


def _check_content(mail: dict[str, Any]) -> None:
    if mail.get("template_id"):
        return
    content = mail.get("content")
    if not isinstance(content, list) or not content:
        raise _refusal(
            "Unless a valid template_id is provided, the content is required.", "content"
        )
    for index, part in enumerate(content):
        for key in ("type", "value"):
            if not isinstance(part, dict) or not isinstance(part.get(key), str) or not part[key]:
                sentence = f"The content {key} must be a string at least one character in length."
                raise _refusal(sentence, f"content.{index}.{key}")
    if any(part["type"] == "text/plain" for part in content[1:]):
        sentence = "If present, text/plain must be the first of the content parts."
        raise _refusal(sentence, "content")


def _error(status: int, sentence: str, field: str | None) -> Answer:
    errors = [{"message": sentence, "field": field, "help": None}]
    return json_answer(status, orjson.dumps({"errors": errors}))


def _refusal(sentence: str, field: str | None, status: int = 400, address: str = "") -> Refusal:
    return Refusal(_error(status, sentence, field), field or str(status), address)
