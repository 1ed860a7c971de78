"""Messages as the page shows them: on a phone, in a mail client or in a terminal.

Bodies are not trusted: one that cannot be parsed by its provider's format is shown as plain text.
"""

import email
import email.policy
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

import orjson

from sandbox.ledger import Entry

#: Headers of a webhook that are shown; the others are the HTTP client's.
HEADERS = (
    *("host", "content-type", "user-agent"),
    *("webhook-id", "webhook-timestamp", "webhook-signature"),
)
#: Keys that the service adds to ``data``.
OWN_DATA = frozenset({"delivery_id", "actions"})


def preview(entry: Entry) -> dict[str, Any]:
    """Return the page's JSON of a message; ``looks`` has its ``kind`` and that kind's fields."""
    return {
        "seq": entry.seq,
        "at": entry.at,
        "provider": entry.provider,
        "channel": entry.channel,
        "address": entry.address,
        "delivery_id": entry.delivery_id,
        "status": entry.status,
        "accepted": entry.accepted,
        "note": entry.note,
        "size": entry.size,
        "looks": _looks(entry),
    }


def _looks(entry: Entry) -> dict[str, Any]:
    try:
        if entry.provider == "smtp":
            return _mail_of_smtp(entry.body)
        content = orjson.loads(entry.body)
        match entry.provider:
            case "fcm":
                return _push_of_fcm(content["message"])
            case "apns":
                return _push_of_apns(content)
            case "twilio":
                return {"kind": "sms", "from": str(content["From"]), "body": str(content["Body"])}
            case "sendgrid":
                return _mail_of_sendgrid(content)
        return _webhook(entry, content)
    except (ValueError, LookupError, TypeError, AttributeError):  # another format, or cut off
        text = entry.body.decode("utf-8", "replace")
        return {"kind": "text", "text": text, "cut": entry.size > len(entry.body)}


def _push_of_fcm(message: Mapping[str, Any]) -> dict[str, Any]:
    notification = message.get("notification") or {}
    data = dict(message.get("data") or {})
    return {
        "kind": "push",
        "platform": "web" if "webpush" in message else "android",
        "title": str(notification.get("title") or ""),
        "body": str(notification.get("body") or ""),
        "actions": _links(orjson.loads(data["actions"])) if "actions" in data else [],
        "data": {key: value for key, value in data.items() if key not in OWN_DATA},
    }


def _push_of_apns(payload: Mapping[str, Any]) -> dict[str, Any]:
    alert = payload["aps"].get("alert") or {}
    if isinstance(alert, str):
        alert = {"body": alert}
    own = {key: payload[key] for key in ("topic", "notification_id") if key in payload}
    return {
        "kind": "push",
        "platform": "ios",
        "title": str(alert.get("title") or ""),
        "body": str(alert.get("body") or ""),
        "actions": _links(payload.get("actions") or {}),
        "data": {**(payload.get("data") or {}), **own},
    }


def _mail_of_sendgrid(mail: Mapping[str, Any]) -> dict[str, Any]:
    sender = mail.get("from") or {}
    parts = {part["type"]: str(part["value"]) for part in mail["content"]}
    name, address = sender.get("name"), str(sender.get("email", ""))
    return {
        "kind": "mail",
        "from": f"{name} <{address}>" if name else address,
        "subject": str(mail.get("subject", "")),
        "text": parts.get("text/plain", ""),
        "html": parts.get("text/html", ""),
        "headers": {str(key): str(value) for key, value in (mail.get("headers") or {}).items()},
    }


def _mail_of_smtp(raw: bytes) -> dict[str, Any]:
    mail = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    plain = {"from", "to", "subject", "date", "mime-version"}
    return {
        "kind": "mail",
        "from": str(mail.get("From", "")),
        "subject": str(mail.get("Subject", "")),
        "text": str(text.get_content()) if text else "",
        "html": str(html.get_content()) if html else "",
        "headers": {
            key: str(value)
            for key, value in mail.items()
            if key.lower() not in plain and not key.lower().startswith("content-")
        },
    }


def _webhook(entry: Entry, content: object) -> dict[str, Any]:
    return {
        "kind": "webhook",
        "headers": {name: entry.headers[name] for name in HEADERS if name in entry.headers},
        "content": content,
    }


def _links(actions: object) -> list[dict[str, str]]:
    if not isinstance(actions, dict):
        return []
    return [{"label": str(label), "url": str(url)} for label, url in actions.items()]
