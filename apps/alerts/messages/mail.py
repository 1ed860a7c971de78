"""Mails about alerts: by SMTP from this process, and not by a provider of Notifier's."""

import ssl
from collections.abc import Sequence
from functools import cached_property

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from apps.alerts.messages.notices import Notice, subject, text

#: Marks the mail as a program's (RFC 3834), so that nobody's absence is answered to it.
HEADERS = {"Auto-Submitted": "auto-generated"}


#: Seconds for each step.
TIMEOUT = 10


class Backend(EmailBackend):
    """Django's backend for the mail server of alerts, which trusts ``NOTIFIER_CA_FILE``, too."""

    def __init__(self) -> None:
        server = settings.ALERTS.server
        super().__init__(
            host=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "starttls",
            use_ssl=server.tls == "implicit",
            timeout=TIMEOUT,
        )

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if settings.ALERTS.ca_file:
            context.load_verify_locations(settings.ALERTS.ca_file)
        return context


def send(notices: Sequence[Notice]) -> None:
    """Send one mail to all addresses. Raises what the way to the server raises."""
    EmailMessage(
        subject(notices),
        text(notices),
        settings.ALERTS.sender,
        settings.ALERTS.emails,
        headers=HEADERS,
        connection=Backend(),
    ).send()


def connect() -> None:
    """Connect and log in, and send nothing. Raises what the way to the server raises."""
    backend = Backend()
    backend.open()
    backend.close()
