"""Settings of alerts that this service sends itself: by mail, by webhook, and a heartbeat."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from config import env
from notifier.security.signing import check_secret
from notifier.transport.mail import ADDRESS

# -- Alerts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server of alerts. ``host`` is empty without one; ``tls`` as in the settings."""

    host: str
    port: int
    username: str
    password: str
    tls: str


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways by which operators are told of alerts; what is not set is empty.

    ``ca_file``: authorities to trust beside the system's.
    """

    emails: Sequence[str]
    server: MailServer
    sender: str
    webhook_url: str
    webhook_secret: str
    heartbeat_url: str
    ca_file: str


def ways(ca_file: str) -> Ways:
    """Return the ways that are set."""
    to = _emails()
    return Ways(to, _server(to), _sender(to), *_webhook(), _heartbeat(), ca_file)


def _emails() -> list[str]:
    """Return the addresses that alerts are mailed to."""

    def parse(item: str) -> str:
        if not ADDRESS.fullmatch(item.strip()):
            raise ValueError
        return item.strip()

    return env.parsed_items(
        "NOTIFIER_ALERT_EMAILS",
        "",
        "addresses of operators to whom [alerts](operations/alerts.md#without-prometheus) are "
        "mailed, by the mail server below and not by a provider",
        parse,
        "addresses with commas between them",
    )


def _server(to: Sequence[str]) -> MailServer:
    """Return the mail server; ``to``: the addresses, without any there need be none."""
    host = env.text("NOTIFIER_ALERT_SMTP_HOST", "", "mail server that takes mails about alerts")
    if to and not host:
        env.complain("NOTIFIER_ALERT_SMTP_HOST is not set, and NOTIFIER_ALERT_EMAILS is")
    return MailServer(
        host,
        env.whole("NOTIFIER_ALERT_SMTP_PORT", 587, "its port", least=1),
        env.text("NOTIFIER_ALERT_SMTP_USERNAME", "", "log-in, if it wants one"),
        env.text("NOTIFIER_ALERT_SMTP_PASSWORD", "", "its password"),
        env.choice(
            *("NOTIFIER_ALERT_SMTP_TLS", "starttls", "`starttls`, `implicit` or `none`"),
            ("starttls", "implicit", "none"),
        ),
    )


def _sender(to: Sequence[str]) -> str:
    """Return the sender of mails about alerts."""
    found = env.text("NOTIFIER_ALERT_FROM_EMAIL", "", "sender of mails about alerts")
    if found and not ADDRESS.fullmatch(found):
        raise ImproperlyConfigured(
            "NOTIFIER_ALERT_FROM_EMAIL must be an address such as alerts@example.com, not "
            f"{found!r}"
        )
    if to and not found:
        env.complain("NOTIFIER_ALERT_FROM_EMAIL is not set, and NOTIFIER_ALERT_EMAILS is")
    return found


def _webhook() -> tuple[str, str]:
    """Return the URL that alerts are posted to, empty for none, and the secret that signs them."""
    url = env.text(
        "NOTIFIER_ALERT_WEBHOOK_URL",
        "",
        "URL that alerts are posted to, [signed](operations/alerts.md#without-prometheus)",
    )
    secret = env.text(
        "NOTIFIER_ALERT_WEBHOOK_SECRET",
        "",
        "its secret, `whsec_` and the base64 of 24 to 64 random bytes",
    )
    if url:
        env.checked_url("NOTIFIER_ALERT_WEBHOOK_URL", url)
        if not secret:
            env.complain(
                "NOTIFIER_ALERT_WEBHOOK_SECRET is not set, and NOTIFIER_ALERT_WEBHOOK_URL is"
            )
    if secret:
        try:
            check_secret(secret)
        except ValueError as error:
            raise ImproperlyConfigured(f"NOTIFIER_ALERT_WEBHOOK_SECRET: {error}") from None
    return url, secret


def _heartbeat() -> str:
    """Return the URL that is called while alerts are evaluated and sent; empty for none."""
    url = env.text(
        "NOTIFIER_ALERT_HEARTBEAT_URL",
        "",
        "URL that is called each minute while alerts are evaluated and sent, of a service that "
        "says when the calls stop",
    )
    return env.checked_url("NOTIFIER_ALERT_HEARTBEAT_URL", url) if url else url
