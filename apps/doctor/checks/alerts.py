"""Alerts that this service sends itself: whether they reach anybody."""

import smtplib
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from apps.alerts.messages import mail
from apps.doctor.checks.encryption import is_local
from apps.doctor.findings import Finding, Options, Reporter

_found = Reporter("alerts")
_DOCS = "docs/operations/alerts.md#without-prometheus"


def check(options: Options) -> Iterator[Finding]:
    """Check the ways of alerts. The mail server is called with ``options.call`` alone."""
    url = urlsplit(settings.ALERTS.webhook_url)
    if not settings.ALERTS.emails and not settings.ALERTS.webhook_url:
        yield _found.ok(f"are shown in the admin and sent to nobody ({_DOCS})")
        return
    if settings.ALERTS.webhook_url and url.scheme != "https" and not is_local(url.hostname or ""):
        yield _found.warning(
            "NOTIFIER_ALERT_WEBHOOK_URL is not https: alerts travel in clear", "give it TLS"
        )
    if settings.ALERTS.emails:
        if settings.ALERTS.server.tls == "none" and not is_local(settings.ALERTS.server.host):
            yield _found.warning(
                f"mails about alerts go to {settings.ALERTS.server.host} in clear",
                "set NOTIFIER_ALERT_SMTP_TLS to starttls or implicit",
            )
        if options.call:
            yield _called()
    if not settings.ALERTS.heartbeat_url:
        yield _found.ok(
            "nobody outside notices when this whole service is gone, without "
            f"NOTIFIER_ALERT_HEARTBEAT_URL ({_DOCS})"
        )
    yield _found.ok("manage.py alerts --test sends one")


def _called() -> Finding:
    server = f"{settings.ALERTS.server.host}:{settings.ALERTS.server.port}"
    try:
        mail.connect()
    except (OSError, smtplib.SMTPException) as error:
        return _found.error(
            f"{server} takes no mails about alerts: {error}",
            "correct NOTIFIER_ALERT_SMTP_HOST, …_PORT, …_TLS, …_USERNAME and …_PASSWORD",
        )
    return _found.ok(f"{server} takes mails")
