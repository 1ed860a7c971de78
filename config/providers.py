"""The providers this installation sends through, from the environment."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env

# -- Channels and providers -------------------------------------------------------------------


def configured(public_url: str) -> dict[str, dict]:
    """The providers whose credentials are given, in the order in which a channel tries them.

    ``public_url`` is how they reach this service.
    """
    ca_file = env.text(
        "NOTIFIER_CA_FILE", "", "PEM file to trust beside the system's, for a sandbox"
    )
    timeout = env.number(
        "NOTIFIER_PROVIDER_TIMEOUT", 10.0, "seconds a provider has to answer one call"
    )
    concurrency = env.whole(
        "NOTIFIER_PROVIDER_CONCURRENCY",
        256,
        "calls in flight to any other provider from one process, at most",
    )
    allowed_networks = env.items(
        "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS",
        "",
        "private networks (CIDR) that webhooks may reach all the same; none by default",
    )

    push_concurrency = env.whole(
        "NOTIFIER_PUSH_CONCURRENCY",
        1000,
        "calls in flight to FCM, and to APNs, from one process, at most: a connection carries many",
    )

    wire = {
        "timeout": timeout,
        "concurrency": concurrency,
        "ca_file": ca_file or None,
    }
    found: dict[str, dict] = {}
    fcm_account = env.text(
        "NOTIFIER_FCM_SERVICE_ACCOUNT_FILE", "", "Google service account JSON; turns fcm on"
    )
    fcm = {
        "project_id": env.text("NOTIFIER_FCM_PROJECT_ID", "", "Firebase project"),
        "service_account_file": fcm_account,
        "base_url": env.text(
            "NOTIFIER_FCM_BASE_URL", "https://fcm.googleapis.com", "where FCM is reached"
        ),
    }
    if fcm_account:
        found["fcm"] = {
            "class": "notifier.providers.fcm.FCM",
            "channel": "push",
            "platforms": ["android", "web"],
            "options": {**fcm, **wire, "concurrency": push_concurrency},
        }
    apns = {
        "topic": env.text("NOTIFIER_APNS_TOPIC", "", "bundle id of the iOS app; turns apns on"),
        "key_file": env.text("NOTIFIER_APNS_KEY_FILE", "", "APNs .p8 key (token auth)") or None,
        "key_id": env.text("NOTIFIER_APNS_KEY_ID", "", "id of that key") or None,
        "team_id": env.text("NOTIFIER_APNS_TEAM_ID", "", "Apple team") or None,
        "cert_file": env.text(
            "NOTIFIER_APNS_CERT_FILE", "", "PEM of certificate and key (certificate auth)"
        )
        or None,
        "base_url": env.text(
            "NOTIFIER_APNS_BASE_URL", "https://api.push.apple.com", "where APNs is reached"
        ),
    }
    if apns["topic"]:
        found["apns"] = {
            "class": "notifier.providers.apns.APNs",
            "channel": "push",
            "platforms": ["ios"],
            "options": {**apns, **wire, "concurrency": push_concurrency},
        }
    for account in _accounts():
        found |= account.provider(public_url, wire)
    found["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "breaker": False,  # every URL is a server of its own
        "options": {**wire, "allowed_networks": allowed_networks},
    }
    found["inbox"] = {
        "class": "notifier.providers.inbox.Inbox",
        "channel": "inbox",
        "breaker": False,  # our own table: without it nothing goes on anyway
        "options": {},
    }
    for name, quota in _quotas().items():
        if name not in found:
            raise ImproperlyConfigured(
                f"NOTIFIER_PROVIDER_QUOTAS names {name}, which is not set up. There are: "
                f"{', '.join(found)}."
            )
        found[name]["quota"] = quota
    preferred = env.items(
        "NOTIFIER_PROVIDER_ORDER",
        "",
        "providers to try first, by name, where a channel has several",
    )
    return dict(
        sorted(
            found.items(),
            key=lambda entry: (
                preferred.index(entry[0]) if entry[0] in preferred else len(preferred)
            ),
        )
    )


def _quotas() -> dict[str, dict[str, float]]:
    """By provider, what ``notifier.throttle.Quota`` is made of."""
    found: dict[str, dict[str, float]] = {}
    for entry in env.items(
        "NOTIFIER_PROVIDER_QUOTAS",
        "",
        "what accounts may be given by all workers together: `fcm=10000` messages a second, "
        "`twilio=100:20` and no more than 20 calls under way at once, `smtp=:10` only that",
    ):
        match = re.fullmatch(r"([a-z0-9-]+)=(\d+(?:\.\d+)?)?(?::(\d+))?", entry)
        if not match or not (match[2] or match[3]):
            raise ImproperlyConfigured(
                f"NOTIFIER_PROVIDER_QUOTAS says {entry!r}: it is written twilio=100, twilio=100:20 "
                "or twilio=:20."
            )
        quota: dict[str, float] = {}
        if float(match[2] or 0):
            quota["per_second"] = float(match[2])
        if int(match[3] or 0):
            quota["concurrent"] = int(match[3])
        if quota:
            found[match[1]] = quota
    return found


@dataclass(frozen=True, slots=True)
class _Account:
    """One account at a kind of provider; ``word`` tells a further one from the first."""

    kind: str
    word: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.word}" if self.word else self.kind

    def text(self, name: str, default: str, meaning: str) -> str:
        """A further account's settings have its word in their names, and no row of their own."""
        return (
            os.environ.get(self.own(name), default)
            if self.word
            else env.text(name, default, meaning)
        )

    def own(self, name: str) -> str:
        prefix = f"NOTIFIER_{self.kind.upper()}_"
        word = f"{self.word.upper()}_" if self.word else ""
        return f"{prefix}{word}{name.removeprefix(prefix)}"

    def provider(self, public_url: str, wire: dict[str, Any]) -> dict[str, dict]:
        """Its entry by its name; none where it is not set. Raises for a further one."""
        entry = KINDS[self.kind](self, public_url, wire)
        if entry is None and self.word:
            raise ImproperlyConfigured(
                f"{self.own(TURNS_ON[self.kind])} is not set, and NOTIFIER_FURTHER_ACCOUNTS names "
                f"{self.name}."
            )
        return {} if entry is None else {self.name: entry}


def _accounts() -> list[_Account]:
    """The first of each kind, and behind it the further ones."""
    further = env.items(
        "NOTIFIER_FURTHER_ACCOUNTS",
        "",
        "further accounts, such as `twilio-backup`: a provider each, asked after the first of its "
        "kind, with settings that say `TWILIO_BACKUP` where the first one's say `TWILIO`",
    )
    accounts = []
    for name in further:
        match = re.fullmatch(rf"({'|'.join(KINDS)})-([a-z0-9]{{1,20}})", name)
        if not match:
            raise ImproperlyConfigured(
                f"NOTIFIER_FURTHER_ACCOUNTS names {name!r}: it takes {', '.join(KINDS)}, a hyphen "
                "and a word of small letters and digits."
            )
        accounts.append(_Account(*match.groups()))
    return [
        account
        for kind in KINDS
        for account in (_Account(kind), *(one for one in accounts if one.kind == kind))
    ]


def _twilio(account: _Account, public_url: str, wire: dict[str, Any]) -> dict | None:
    twilio = {
        "account_sid": account.text("NOTIFIER_TWILIO_ACCOUNT_SID", "", "turns twilio on"),
        "auth_token": account.text("NOTIFIER_TWILIO_AUTH_TOKEN", "", "its auth token"),
        "from_number": account.text("NOTIFIER_TWILIO_FROM_NUMBER", "", "sender, E.164"),
        "messaging_service_sid": account.text(
            "NOTIFIER_TWILIO_MESSAGING_SERVICE_SID", "", "instead of a sender"
        ),
        "base_url": account.text(
            "NOTIFIER_TWILIO_BASE_URL", "https://api.twilio.com", "where Twilio is reached"
        ),
        "status_callback": account.text(
            "NOTIFIER_TWILIO_STATUS_CALLBACK",
            "",
            "URL Twilio reports to; without one `/v1/receipts/twilio` at NOTIFIER_PUBLIC_URL, "
            "unless Twilio could not reach that",
        )
        or _receipts_url(public_url, account.name),
    }
    if _is_local(twilio["status_callback"]) and not _is_local(twilio["base_url"]):
        twilio["status_callback"] = ""  # Twilio refuses such a message (21609)
    if not twilio["account_sid"]:
        return None
    entry: dict[str, Any] = {
        "class": "notifier.providers.twilio.Twilio",
        "channel": "sms",
        "options": {**twilio, **wire},
    }
    if twilio["status_callback"]:
        entry["receipts"] = {
            "class": "notifier.receipts.twilio.TwilioReceipts",
            "options": {
                "auth_token": twilio["auth_token"],
                "callback": twilio["status_callback"],
            },
        }
    return entry


def _sendgrid(account: _Account, public_url: str, wire: dict[str, Any]) -> dict | None:
    sendgrid = {
        "api_key": account.text("NOTIFIER_SENDGRID_API_KEY", "", "turns sendgrid on"),
        "from_email": account.text("NOTIFIER_SENDGRID_FROM_EMAIL", "", "sender"),
        "from_name": account.text("NOTIFIER_SENDGRID_FROM_NAME", "", "sender's name"),
        "base_url": account.text(
            "NOTIFIER_SENDGRID_BASE_URL", "https://api.sendgrid.com", "where SendGrid is reached"
        ),
    }
    key = account.text(
        "NOTIFIER_SENDGRID_WEBHOOK_PUBLIC_KEY",
        "",
        "verification key of its signed Event Webhook; without it `/v1/receipts/sendgrid` takes "
        "nothing",
    )
    if not sendgrid["api_key"]:
        return None
    entry: dict[str, Any] = {
        "class": "notifier.providers.sendgrid.SendGrid",
        "channel": "email",
        "options": {**sendgrid, **wire},
    }
    if key:
        entry["receipts"] = {
            "class": "notifier.receipts.sendgrid.SendGridReceipts",
            "options": {"public_key": key},
        }
    return entry


def _smtp(account: _Account, public_url: str, wire: dict[str, Any]) -> dict | None:
    smtp: dict[str, Any] = {
        "host": account.text("NOTIFIER_SMTP_HOST", "", "mail server; turns smtp on"),
        "port": account.text("NOTIFIER_SMTP_PORT", "587", "its port"),
        "username": account.text("NOTIFIER_SMTP_USERNAME", "", "log-in, if it wants one"),
        "password": account.text("NOTIFIER_SMTP_PASSWORD", "", "its password"),
        "tls": account.text("NOTIFIER_SMTP_TLS", "starttls", "`starttls`, `implicit` or `none`"),
        "from_email": account.text("NOTIFIER_SMTP_FROM_EMAIL", "", "sender"),
        "from_name": account.text("NOTIFIER_SMTP_FROM_NAME", "", "sender's name"),
    }
    if not smtp["port"].isdecimal():
        raise ImproperlyConfigured(
            f"{account.own('NOTIFIER_SMTP_PORT')} must be a whole number, not {smtp['port']!r}"
        )
    if not smtp["host"]:
        return None
    return {
        "class": "notifier.providers.smtp.SMTP",
        "channel": "email",
        "options": {**smtp, "port": int(smtp["port"]), **wire},
    }


#: Of which an installation may have several accounts, in the order in which a channel tries them.
KINDS: dict[str, Callable[[_Account, str, dict[str, Any]], dict | None]] = {
    "twilio": _twilio,
    "sendgrid": _sendgrid,
    "smtp": _smtp,
}
TURNS_ON = {
    "twilio": "NOTIFIER_TWILIO_ACCOUNT_SID",
    "sendgrid": "NOTIFIER_SENDGRID_API_KEY",
    "smtp": "NOTIFIER_SMTP_HOST",
}


def _receipts_url(public_url: str, provider: str) -> str:
    return f"{public_url.rstrip('/')}/v1/receipts/{provider}"


def _is_local(url: str) -> bool:
    """Whether only this machine reaches it."""
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
