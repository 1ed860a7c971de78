"""Misbehaviour on request: by magic addresses, or by rules set through the control API."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.protocol.exchange import LONGEST_SILENCE, Answer, Delivery

PROVIDERS = ("fcm", "apns", "twilio", "sendgrid", "smtp", "webhook")

#: Word -> (three-digit code for addresses made of digits, what happens).
WORDS: dict[str, tuple[str, str]] = {
    "401": ("401", "our credentials are refused"),
    "403": ("403", "the provider understands and refuses"),
    "429": ("429", "too many requests; Retry-After: 1, _N for N, _none for no such header"),
    "500": ("500", "the provider fails"),
    "503": ("503", "the provider is down; with _N it sends Retry-After: N"),
    "dead": ("410", "the address does not exist any more (SendGrid accepts it and bounces)"),
    "timeout": ("408", "accepted, never answered, no receipts: cut off after 60 s, _N for N"),
    "slow": ("200", "accepted, answered after 2 s, _N for N"),
    "reset": ("444", "reset before the answer, not accepted"),
    "torn": ("206", "accepted, then reset in the middle of the answer"),
    "garbled": ("601", "accepted, but the answer cannot be read"),
    "huge": ("602", "accepted, the answer has 16 MiB"),
    "bounce": ("701", "accepted; its receipt reports that there is no such address"),
    "blocked": ("702", "accepted; its receipt reports that the message was refused"),
    "complaint": ("703", "accepted; a receipt reports that its reader marks it spam (SendGrid)"),
    "unsubscribe": ("704", "accepted; a receipt reports that the person unsubscribed"),
    "twice": ("705", "accepted; each receipt is sent twice"),
    "reversed": ("706", "accepted; the last receipt is sent first"),
    "forged": ("707", "accepted; its receipts are signed with another key"),
    "early": ("708", "accepted, answered after 2 s, _N for N; its receipts are sent before"),
}
#: Behaviours of receipts: each message of a request has its own.
LATER = frozenset(
    {"bounce", "blocked", "complaint", "unsubscribe", "twice", "reversed", "forged", "early"}
)
WORD_OF_CODE = {code: word for word, (code, _) in WORDS.items()}

ACCEPTING = frozenset({"timeout", "slow", "torn", "garbled", "huge"}) | LATER
HUGE_BODY = b'{"padding":"' + b"x" * (16 * 1024 * 1024) + b'"}'

SPEC = re.compile(
    rf"(?P<word>{'|'.join(WORDS)})(?:x(?P<times>\d{{1,4}}))?(?:_(?P<value>[0-9.]+|none))?"
)
FCM_TOKEN = re.compile(rf"(?:^|-)sandbox-(?P<spec>{SPEC.pattern})(?:-|$)")
EMAIL = re.compile(rf"(?P<spec>{SPEC.pattern})(?:[.+-].*)?@sandbox\.example", re.IGNORECASE)
WEBHOOK = re.compile(rf"[?&]behave=(?P<spec>{SPEC.pattern})(?:&|$)")
PHONE = re.compile(r"\+1500555(?P<times>\d)(?P<code>\d{3})")
APNS_TOKEN = re.compile(r"facade(?P<code>\d{3})(?P<times>\d\d)(?P<value>\d\d)", re.IGNORECASE)


class UnknownBehaviour(ValueError):
    """A rule has an unknown provider or behaviour or an invalid number; the message says which."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A misbehaviour.

    ``word``: one of ``WORDS``; ``times``: per address, 0 for always; ``value``: as described in
    ``WORDS``, empty for its default.
    """

    word: str
    times: int = 0
    value: str = ""

    @property
    def accepts(self) -> bool:
        """True if the message counts as accepted, whatever happens to the answer."""
        return self.word in ACCEPTING

    def seconds(self, default: float) -> float:
        try:
            return max(0.0, min(LONGEST_SILENCE, float(self.value or default)))
        except ValueError:
            return default

    @property
    def retry_after(self) -> str:
        """The value of the Retry-After header, empty for no header."""
        if self.value == "none" or (self.word == "503" and not self.value):
            return ""
        return self.value or "1"

    def apply(self, accepted: Answer, refusal: Callable[[str], Answer | None]) -> Answer:
        """Return the answer in place of ``accepted``.

        ``refusal``: returns the provider's documented answer for 401, 403, 429, 500, 503 and dead,
        or ``None`` where it accepts the message.
        """
        match self.word:
            case "timeout":
                delay = self.seconds(LONGEST_SILENCE)
                return replace(accepted, delivery=Delivery.SILENT, delay=delay)
            case "slow" | "early":
                return replace(accepted, delay=self.seconds(2.0))
            case "reset":
                return replace(accepted, delivery=Delivery.RESET)
            case "torn":
                body = accepted.body or b'{"torn": true}'
                return Answer(200, body, accepted.headers, delivery=Delivery.TORN)
            case "garbled":
                return Answer(200, b'{"name": "proj\xff\xfe', accepted.headers)
            case "huge":
                return Answer(200, HUGE_BODY, accepted.headers)
        answer = None if self.word in LATER else refusal(self.word)
        if answer is None:
            return accepted
        if self.word in ("429", "503") and self.retry_after:
            answer.headers.append(("retry-after", self.retry_after))
        return answer


class Behaviours:
    """The behaviour of the next message to an address.

    A rule for an address takes precedence over a rule for all, and a rule over a magic address.
    """

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str | None], Behaviour] = {}
        self._shown: dict[tuple[str, str, Behaviour], int] = {}

    def set_rule(self, provider: str, address: str | None, behaviour: Behaviour) -> None:
        """Replace the rule for ``address`` at ``provider``, or for all (``None``)."""
        if provider not in PROVIDERS:
            raise UnknownBehaviour(f'no provider "{provider}"; there are {", ".join(PROVIDERS)}')
        if behaviour.word not in WORDS:
            raise UnknownBehaviour(f'no behaviour "{behaviour.word}"; there are {", ".join(WORDS)}')
        if behaviour.times < 0:
            raise UnknownBehaviour("times is a number from 0 (always)")
        if not (behaviour.value.isascii() and behaviour.value.isprintable()):
            raise UnknownBehaviour("retry_after goes into a header: printable ASCII only")
        self._rules[provider, address] = behaviour
        self._shown = {
            key: count
            for key, count in self._shown.items()
            if key[0] != provider or address not in (None, key[1])
        }

    def drop_rule(self, provider: str, address: str | None) -> None:
        """Remove the rule for ``address`` at ``provider``, or for all (``None``), if any."""
        self._rules.pop((provider, address), None)

    def clear(self) -> None:
        """Remove every rule, and the counts of magic addresses."""
        self._rules.clear()
        self._shown.clear()

    def rules(self) -> list[dict[str, object]]:
        return [
            {
                "provider": provider,
                "address": address,
                "behaviour": rule.word,
                "times": rule.times,
                "value": rule.value,
            }
            for (provider, address), rule in self._rules.items()
        ]

    def next(self, provider: str, address: str) -> Behaviour | None:
        """Return the behaviour for the next message and count it; ``None``: behave normally."""
        if self._rules:
            for key in ((provider, address), (provider, None)):
                rule = self._rules.get(key)
                if rule and self._due(provider, address, rule):
                    return rule
        magic = read_address(provider, address)
        return magic if magic and self._due(provider, address, magic) else None

    def _due(self, provider: str, address: str, behaviour: Behaviour) -> bool:
        if not behaviour.times:
            return True
        key = (provider, address, behaviour)
        shown = self._shown.get(key, 0)
        if shown >= behaviour.times:
            return False
        self._shown[key] = shown + 1
        return True


def read_address(provider: str, address: str) -> Behaviour | None:
    """Return the behaviour of a magic address, ``None`` for any other address."""
    match provider:
        case "fcm":
            found = FCM_TOKEN.search(address) if "sandbox-" in address else None
        case "webhook":
            found = WEBHOOK.search(address) if "behave=" in address else None
        case "sendgrid" | "smtp":
            found = EMAIL.fullmatch(address)
        case "twilio":
            found = PHONE.fullmatch(address)
        case _:
            found = APNS_TOKEN.match(address)
    if not found:
        return None
    parts = found.groupdict()
    word = parts["word"].lower() if "word" in parts else WORD_OF_CODE.get(parts["code"], "")
    value = parts.get("value") or ""
    if provider == "apns":
        value = value.lstrip("0")
    return Behaviour(word, int(parts["times"] or 0), value) if word else None
