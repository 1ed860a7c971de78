"""Accounts at providers: the settings that each kind of provider reads, and those it needs."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.providers.shapes import Built, Entry, Options
from notifier.channels import sms
from notifier.transport.mail import ADDRESS

# -- Channels and providers -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of provider.

    ``needed``: groups of settings, of each of which at least one must be given; the first group
    turns the provider on. ``together``: groups of which either all are given or none.
    ``platforms``: empty for a channel without platforms. ``several``: whether further accounts of
    this kind may be configured.
    """

    channel: str
    build: Callable[["Account", str, Options], Built]
    needed: tuple[tuple[str, ...], ...]
    together: tuple[tuple[str, ...], ...] = ()
    platforms: tuple[str, ...] = ()
    several: bool = True


@dataclass(slots=True)
class Account:
    """One account at a kind of provider; ``word`` is empty for the first, a name for a further."""

    kind: str
    word: str = ""
    _read: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.word}" if self.word else self.kind

    def text(self, name: str, default: str, meaning: str) -> str:
        """Read a text; a further account's has its word in the name and no row in the reference."""
        own = self.own(name)
        value = env.unlisted(own, default) if self.word else env.text(name, default, meaning)
        self._read[own] = value if env.is_given(own) else ""
        return value

    def url(self, name: str, default: str, meaning: str) -> str:
        """Read an ``http://`` or ``https://`` URL, or nothing."""
        value = self.text(name, default, meaning)
        return env.checked_url(self.own(name), value) if value else value

    def sender(self, name: str) -> str:
        """Read the sender's email address; the sender's name is another setting."""
        value = self.text(name, "", "sender")
        if value and not ADDRESS.fullmatch(value):
            raise ImproperlyConfigured(
                f"{self.own(name)} must be an address such as news@example.com, not {value!r}"
            )
        return value

    def number(self, name: str) -> str:
        """Read the sender's number, in the form in which a STOP to it names it."""
        value = self.text(name, "", "sender: a number in E.164, or a short code")
        try:
            return sms.sender(value) if value else value
        except ValueError:
            raise ImproperlyConfigured(
                f"{self.own(name)} must be a number such as +12025550100 or a short code such as "
                f"12345, not {value!r}: put a sender with a name into a messaging service, and set "
                f"{self.own('NOTIFIER_TWILIO_MESSAGING_SERVICE_SID')}"
            ) from None

    def file(self, name: str, what: bytes, meaning: str) -> str:
        """Read the path of a file, which must exist and contain ``what``."""
        return env.checked_file(self.own(name), self.text(name, "", meaning), what)

    def own(self, name: str) -> str:
        """Return the setting's name with this account's word in it."""
        prefix = f"{env.PREFIX}{self.kind.upper()}_"
        word = f"{self.word.upper()}_" if self.word else ""
        return f"{prefix}{word}{name.removeprefix(prefix)}"

    def provider(self, public_url: str, wire: Options) -> dict[str, Entry]:
        """Return this account's entry of ``PROVIDERS`` by its name, or nothing.

        Nothing where none of its settings is given, or only a part, which is an error.
        """
        kind = KINDS[self.kind]
        entry = kind.build(self, public_url, wire)
        given = [name for name, value in self._read.items() if value]
        if not given and not self.word:
            return {}
        if missing := self._missing(kind):
            there = f"{given[0]} is" if given else f"NOTIFIER_FURTHER_ACCOUNTS names {self.name}"
            env.complain(
                f"{', '.join(missing)} is not set, and {there}: {self.name} needs all of it, or "
                "nothing of it may be set"
            )
            return {}
        found: Entry = {"channel": kind.channel, **entry}
        if kind.platforms:
            found["platforms"] = list(kind.platforms)
        return {self.name: found}

    def _missing(self, kind: Kind) -> list[str]:
        needed = list(kind.needed)
        for names in kind.together:
            if any(self._read[self.own(name)] for name in names):
                needed += [(name,) for name in names]
        alternatives = [[self.own(name) for name in names] for names in needed]
        return list(
            dict.fromkeys(
                " or ".join(names)
                for names in alternatives
                if not any(self._read[name] for name in names)
            )
        )


def accounts() -> list[Account]:
    """Return the first account of each kind, each followed by the further ones of that kind."""
    kinds = [name for name, kind in KINDS.items() if kind.several]
    further = env.items(
        "NOTIFIER_FURTHER_ACCOUNTS",
        "",
        "further accounts, such as `twilio-backup`: a provider each, asked after the first of its "
        "kind, with settings that say `TWILIO_BACKUP` where the first one's say `TWILIO`",
    )
    found = []
    for name in further:
        match = re.fullmatch(rf"({'|'.join(kinds)})-([a-z0-9]{{1,20}})", name)
        if not match:
            raise ImproperlyConfigured(
                f"NOTIFIER_FURTHER_ACCOUNTS names {name!r}: it takes {', '.join(kinds)}, a hyphen "
                "and a word of small letters and digits."
            )
        found.append(Account(match[1], match[2]))
    return [
        account
        for kind in KINDS
        for account in (Account(kind), *(one for one in found if one.kind == kind))
    ]


def explain_unknown(name: str, known: set[str]) -> str:
    """Explain an unknown setting that would be a further account's; empty for any other."""
    match = re.fullmatch(r"NOTIFIER_([A-Z]+)_([A-Z0-9]{1,20})_(\w+)", name)
    kind = KINDS.get(match[1].lower()) if match else None
    if match and kind and kind.several and f"{env.PREFIX}{match[1]}_{match[3]}" in known:
        account = f"{match[1]}-{match[2]}".lower()
        return f"it would be {account}'s, which NOTIFIER_FURTHER_ACCOUNTS does not name"
    return ""


def _fcm(account: Account, public_url: str, wire: Options) -> Built:
    return {
        "class": "notifier.providers.fcm.FCM",
        "options": {
            "service_account_file": account.file(
                "NOTIFIER_FCM_SERVICE_ACCOUNT_FILE",
                b'"private_key"',
                "Google service account JSON; turns fcm on",
            ),
            "project_id": account.text("NOTIFIER_FCM_PROJECT_ID", "", "Firebase project"),
            "base_url": account.url(
                "NOTIFIER_FCM_BASE_URL", "https://fcm.googleapis.com", "where FCM is reached"
            ),
            **wire,
        },
    }


def _apns(account: Account, public_url: str, wire: Options) -> Built:
    return {
        "class": "notifier.providers.apns.APNs",
        "options": {
            "topic": account.text(
                "NOTIFIER_APNS_TOPIC", "", "bundle id of the iOS app; turns apns on"
            ),
            "key_file": account.file(
                "NOTIFIER_APNS_KEY_FILE", b"PRIVATE KEY-----", "APNs .p8 key (token auth)"
            )
            or None,
            "key_id": account.text("NOTIFIER_APNS_KEY_ID", "", "id of that key") or None,
            "team_id": account.text("NOTIFIER_APNS_TEAM_ID", "", "Apple team") or None,
            "cert_file": account.file(
                "NOTIFIER_APNS_CERT_FILE",
                b"CERTIFICATE-----",
                "PEM of certificate and key (certificate auth)",
            )
            or None,
            "base_url": account.url(
                "NOTIFIER_APNS_BASE_URL", "https://api.push.apple.com", "where APNs is reached"
            ),
            **wire,
        },
    }


def _twilio(account: Account, public_url: str, wire: Options) -> Built:
    twilio = {
        "account_sid": account.text("NOTIFIER_TWILIO_ACCOUNT_SID", "", "turns twilio on"),
        "auth_token": account.text("NOTIFIER_TWILIO_AUTH_TOKEN", "", "its auth token"),
        "from_number": account.number("NOTIFIER_TWILIO_FROM_NUMBER"),
        "messaging_service_sid": account.text(
            "NOTIFIER_TWILIO_MESSAGING_SERVICE_SID", "", "instead of a sender"
        ),
        "base_url": account.url(
            "NOTIFIER_TWILIO_BASE_URL", "https://api.twilio.com", "where Twilio is reached"
        ),
        "status_callback": account.url(
            "NOTIFIER_TWILIO_STATUS_CALLBACK",
            "",
            "URL Twilio reports to; without one `/v1/receipts/twilio` at NOTIFIER_PUBLIC_URL, "
            "unless Twilio could not reach that",
        )
        or _url_of("receipts", public_url, account.name),
    }
    if _is_local(twilio["status_callback"]) and not _is_local(twilio["base_url"]):
        twilio["status_callback"] = ""  # Twilio refuses such a message (21609)
    sender = twilio["messaging_service_sid"] or twilio["from_number"]
    entry: Built = {
        "class": "notifier.providers.twilio.Twilio",
        "options": {**twilio, **wire},
        "sender": sender,
        "replies": {
            "class": "notifier.replies.twilio.TwilioReplies",
            "options": {
                "account_sid": twilio["account_sid"],
                "auth_token": twilio["auth_token"],
                "sender": sender,
                "url": account.url(
                    "NOTIFIER_TWILIO_REPLIES_URL",
                    "",
                    "URL at which Twilio posts text messages that people write to the sender; "
                    "without one `/v1/replies/twilio` at NOTIFIER_PUBLIC_URL",
                )
                or _url_of("replies", public_url, account.name),
            },
        },
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


def _sendgrid(account: Account, public_url: str, wire: Options) -> Built:
    entry: Built = {
        "class": "notifier.providers.sendgrid.SendGrid",
        "options": {
            "api_key": account.text("NOTIFIER_SENDGRID_API_KEY", "", "turns sendgrid on"),
            "from_email": account.sender("NOTIFIER_SENDGRID_FROM_EMAIL"),
            "from_name": account.text("NOTIFIER_SENDGRID_FROM_NAME", "", "sender's name"),
            "base_url": account.url(
                "NOTIFIER_SENDGRID_BASE_URL",
                "https://api.sendgrid.com",
                "where SendGrid is reached",
            ),
            **wire,
        },
    }
    key = account.text(
        "NOTIFIER_SENDGRID_WEBHOOK_PUBLIC_KEY",
        "",
        "verification key of its signed Event Webhook; without it `/v1/receipts/sendgrid` takes "
        "nothing",
    )
    if key:
        entry["receipts"] = {
            "class": "notifier.receipts.sendgrid.SendGridReceipts",
            "options": {"public_key": key},
        }
    return entry


def _smtp(account: Account, public_url: str, wire: Options) -> Built:
    smtp = {
        "host": account.text("NOTIFIER_SMTP_HOST", "", "mail server; turns smtp on"),
        "port": account.text("NOTIFIER_SMTP_PORT", "587", "its port"),
        "username": account.text("NOTIFIER_SMTP_USERNAME", "", "log-in, if it wants one"),
        "password": account.text("NOTIFIER_SMTP_PASSWORD", "", "its password"),
        "tls": account.text("NOTIFIER_SMTP_TLS", "starttls", "`starttls`, `implicit` or `none`"),
        "from_email": account.sender("NOTIFIER_SMTP_FROM_EMAIL"),
        "from_name": account.text("NOTIFIER_SMTP_FROM_NAME", "", "sender's name"),
    }
    port = smtp["port"]
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise ImproperlyConfigured(
            f"{account.own('NOTIFIER_SMTP_PORT')} must be a whole number from 1 to 65535, "
            f"not {port!r}"
        )
    if smtp["tls"] not in ("starttls", "implicit", "none"):
        raise ImproperlyConfigured(
            f"{account.own('NOTIFIER_SMTP_TLS')} must be starttls, implicit or none, "
            f"not {smtp['tls']!r}"
        )
    return {
        "class": "notifier.providers.smtp.SMTP",
        "options": {**smtp, "port": int(port), **wire},
    }


#: The kinds by name, in the order in which a channel tries them.
KINDS = {
    "fcm": Kind(
        "push",
        _fcm,
        (("NOTIFIER_FCM_SERVICE_ACCOUNT_FILE",), ("NOTIFIER_FCM_PROJECT_ID",)),
        platforms=("android", "web"),
        several=False,
    ),
    "apns": Kind(
        "push",
        _apns,
        (("NOTIFIER_APNS_TOPIC",), ("NOTIFIER_APNS_KEY_FILE", "NOTIFIER_APNS_CERT_FILE")),
        (("NOTIFIER_APNS_KEY_FILE", "NOTIFIER_APNS_KEY_ID", "NOTIFIER_APNS_TEAM_ID"),),
        platforms=("ios",),
        several=False,
    ),
    "twilio": Kind(
        "sms",
        _twilio,
        (
            ("NOTIFIER_TWILIO_ACCOUNT_SID",),
            ("NOTIFIER_TWILIO_AUTH_TOKEN",),
            ("NOTIFIER_TWILIO_FROM_NUMBER", "NOTIFIER_TWILIO_MESSAGING_SERVICE_SID"),
        ),
    ),
    "sendgrid": Kind(
        "email", _sendgrid, (("NOTIFIER_SENDGRID_API_KEY",), ("NOTIFIER_SENDGRID_FROM_EMAIL",))
    ),
    "smtp": Kind(
        "email",
        _smtp,
        (("NOTIFIER_SMTP_HOST",), ("NOTIFIER_SMTP_FROM_EMAIL",)),
        (("NOTIFIER_SMTP_USERNAME", "NOTIFIER_SMTP_PASSWORD"),),
    ),
}


def turned_on_by() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return by channel the settings that turn a provider on, each with its platforms."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for kind in KINDS.values():
        found.setdefault(kind.channel, {})[kind.needed[0][0]] = kind.platforms
    return found


def _url_of(what: str, public_url: str, provider: str) -> str:
    return f"{public_url.rstrip('/')}/v1/{what}/{provider}"


def _is_local(url: str) -> bool:
    """Return whether only this machine reaches the URL."""
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
