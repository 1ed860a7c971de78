"""What ``manage.py doctor`` says of certificates, and of the ways by which alerts are told."""

from dataclasses import replace

import pytest

from apps.doctor.findings import Level
from config.operators.alerts import MailServer
from stack.supervision import ports
from tests.integration.doctor.conftest import only
from tests.support.fakes.alert_receivers import mail_server
from tests.support.fakes.certificates import make


@pytest.mark.parametrize(
    ("days", "level"), [(-1, Level.ERROR), (20, Level.WARNING), (40, Level.OK)]
)
def test_a_certificate_that_ends_is_a_warning_and_then_an_error(
    doctor, settings, tmp_path, days, level
):
    settings.BROKER_CA_FILE = str(make(tmp_path, "authority", days=days)[0])
    found = doctor("certificates")
    if level == Level.OK:
        assert found == []
    else:
        only(found, level, "NOTIFIER_BROKER_CA_FILE end")


def test_alerts_in_clear_are_a_warning(doctor, settings):
    assert doctor("alerts") == []
    settings.ALERTS = replace(
        settings.ALERTS,
        emails=["ops@example.com"],
        server=MailServer("mail.example.com", 25, "", "", "none"),
        webhook_url="http://chat.example.com/",
    )
    found = doctor("alerts")
    only(found, Level.WARNING, "go to mail.example.com in clear")
    only(found, Level.WARNING, "NOTIFIER_ALERT_WEBHOOK_URL is not https")


def test_a_mail_server_is_called_where_calling_is_allowed(doctor, settings):
    def at(port: int) -> None:
        server = MailServer("127.0.0.1", port, "", "", "none")
        settings.ALERTS = replace(settings.ALERTS, emails=["ops@example.com"], server=server)

    settings.PROVIDERS = {}  # which would be called, too
    at(ports.free())
    assert doctor("alerts") == []
    only(doctor("alerts", "--call"), Level.ERROR, "takes no mails about alerts")
    with mail_server() as (mailbox, port):
        at(port)
        assert doctor("alerts", "--call") == []
    assert mailbox.mails == []
