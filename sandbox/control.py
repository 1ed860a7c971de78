"""The control API under ``/sandbox/``: read messages and counts, set rules, delete."""

from itertools import islice
from typing import Any
from urllib.parse import parse_qs

import orjson

from sandbox.behaviours import Behaviour, Behaviours, UnknownBehaviour
from sandbox.ledger import Ledger
from sandbox.protocol.exchange import Answer, Request, json_answer
from sandbox.providers.webhook import Webhook
from sandbox.receipts import NotLoopback, Receipts
from sandbox.texts import Texts

PREFIX = "/sandbox/"
MOST_MESSAGES = 10_000


class BadCall(ValueError):
    """The call is invalid; the message says what to change."""


class Control:
    """The control API."""

    def __init__(
        self,
        ledger: Ledger,
        behaviours: Behaviours,
        webhook: Webhook,
        receipts: Receipts,
        texts: Texts,
    ) -> None:
        self._receipts = receipts
        self._texts = texts
        self._ledger = ledger
        self._behaviours = behaviours
        self._webhook = webhook

    def handle(self, request: Request) -> Answer:
        calls = {
            ("GET", "healthz"): self._healthz,
            ("GET", "messages"): self._messages,
            ("DELETE", "messages"): self._forget_messages,
            ("GET", "counts"): self._counts,
            ("GET", "behave"): self._rules,
            ("POST", "behave"): self._behave,
            ("DELETE", "behave"): self._heal,
            ("POST", "webhooks"): self._register_webhook,
            ("POST", "receipts"): self._send_receipts,
            ("POST", "texts"): self._write_text,
        }
        call = calls.get((request.method, request.path.removeprefix(PREFIX)))
        if call is None:
            known = ", ".join(f"{method} {PREFIX}{name}" for method, name in calls)
            return json_answer(404, orjson.dumps({"error": f"there are {known}"}))
        try:
            return json_answer(200, orjson.dumps(call(request)))
        except (BadCall, UnknownBehaviour, NotLoopback) as error:
            return json_answer(400, orjson.dumps({"error": str(error)}))

    def _healthz(self, request: Request) -> object:
        return {"ok": True}

    def _counts(self, request: Request) -> object:
        return self._ledger.counts()

    def _messages(self, request: Request) -> object:
        asked = {key: values[0] for key, values in parse_qs(request.query).items()}
        if unknown := asked.keys() - {"channel", "address", "since", "limit"}:
            raise BadCall(f"unknown: {', '.join(sorted(unknown))}")
        try:
            since, limit = int(asked.get("since", 0)), int(asked.get("limit", 100))
        except ValueError:
            raise BadCall("since (a seq) and limit are whole numbers") from None
        if not 0 <= limit <= MOST_MESSAGES:
            raise BadCall(f"limit is 0 to {MOST_MESSAGES}")
        found = self._ledger.newest(
            channel=asked.get("channel", ""), address=asked.get("address", ""), since=since
        )
        # With ``since`` the oldest first, so that a caller that polls skips nothing.
        entries = islice(reversed(list(found)) if "since" in asked else found, limit)
        return {"messages": [entry.as_dict() for entry in entries]}

    def _forget_messages(self, request: Request) -> object:
        self._ledger.clear()
        self._webhook.forget()
        self._texts.forget()
        return {"ok": True}

    def _rules(self, request: Request) -> object:
        return {"rules": self._behaviours.rules()}

    def _behave(self, request: Request) -> object:
        asked = _body(request)
        known = {"provider", "behaviour", "address", "times", "seconds", "retry_after"}
        if unknown := asked.keys() - known:
            raise BadCall(f"unknown: {', '.join(sorted(unknown))}")
        address = asked.get("address")
        value = asked.get("retry_after", asked.get("seconds", ""))
        times = asked.get("times", 0)
        if not isinstance(times, int) or not isinstance(address, str | None):
            raise BadCall("times is a whole number, address a string")
        behaviour = Behaviour(str(asked.get("behaviour", "")), times, str(value))
        self._behaviours.set_rule(str(asked.get("provider", "")), address, behaviour)
        return {"ok": True}

    def _heal(self, request: Request) -> object:
        asked = {key: values[0] for key, values in parse_qs(request.query).items()}
        if unknown := asked.keys() - {"provider", "address"}:
            raise BadCall(f"unknown: {', '.join(sorted(unknown))}")
        if "provider" in asked:
            self._behaviours.drop_rule(asked["provider"], asked.get("address"))
        elif asked:
            raise BadCall("an address is healed at a provider: say which")
        else:
            self._behaviours.clear()
        return {"ok": True}

    def _send_receipts(self, request: Request) -> object:
        asked = _body(request)
        if asked.keys() != {"url"} or not isinstance(asked["url"], str | None):
            raise BadCall("url is needed: a string, or null to send none")
        self._receipts.send_to(asked["url"])
        return {"ok": True}

    def _write_text(self, request: Request) -> object:
        asked = _body(request)
        if not {"from", "body"} <= asked.keys() <= {"from", "body", "to", "service", "handled"}:
            raise BadCall("from and body are needed, and to, service and handled are possible")
        if not all(isinstance(value, str) for value in asked.values()):
            raise BadCall("all of them are strings")
        number, body = asked.pop("from"), asked.pop("body")
        return {"ok": True, "message_id": self._texts.write(number, body, **asked)}

    def _register_webhook(self, request: Request) -> object:
        asked = _body(request)
        name, secret = asked.get("name"), asked.get("secret")
        if not isinstance(name, str) or not isinstance(secret, str):
            raise BadCall("name and secret are needed, both strings")
        try:
            self._webhook.register(name, secret)
        except ValueError as error:
            raise BadCall(str(error)) from None
        return {"ok": True}


def _body(request: Request) -> dict[str, Any]:
    try:
        asked = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        asked = None
    if not isinstance(asked, dict):
        raise BadCall("the body is a JSON object")
    return asked
