"""The ways by which operators are told of alerts, as read from the environment."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.operators import alerts

SECRET = "whsec_" + base64.b64encode(bytes(24)).decode()
MAIL = {"EMAILS": "ops@example.com, night@example.com", "FROM_EMAIL": "alerts@example.com"}


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(env, "SETTINGS", list(env.SETTINGS))

    def run(**variables: str) -> alerts.Ways:
        for name, value in variables.items():
            monkeypatch.setenv(f"NOTIFIER_ALERT_{name}", value)
        found = alerts.ways("")
        env.check()
        return found

    return run


def test_without_settings_nobody_is_told(ways):
    found = ways()
    assert (list(found.emails), found.webhook_url, found.heartbeat_url) == ([], "", "")


def test_mail_goes_to_each_address_by_a_server_of_its_own(ways):
    found = ways(**MAIL, SMTP_HOST="smtp.example.com", SMTP_TLS="implicit", SMTP_PORT="465")
    assert found.emails == ["ops@example.com", "night@example.com"]
    assert found.server == alerts.MailServer("smtp.example.com", 465, "", "", "implicit")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (MAIL, "NOTIFIER_ALERT_SMTP_HOST is not set"),
        (MAIL | {"FROM_EMAIL": "", "SMTP_HOST": "smtp"}, "NOTIFIER_ALERT_FROM_EMAIL is not set"),
        ({"EMAILS": "ops"}, "NOTIFIER_ALERT_EMAILS must be addresses"),
        ({"FROM_EMAIL": "Ops <ops@example.com>"}, "NOTIFIER_ALERT_FROM_EMAIL must be an address"),
        ({"SMTP_TLS": "yes"}, "NOTIFIER_ALERT_SMTP_TLS must be one of"),
        ({"WEBHOOK_URL": "https://chat.example.com"}, "NOTIFIER_ALERT_WEBHOOK_SECRET is not set"),
        ({"WEBHOOK_URL": "chat", "WEBHOOK_SECRET": SECRET}, "must be an http:// or https:// URL"),
        ({"WEBHOOK_SECRET": "secret"}, "NOTIFIER_ALERT_WEBHOOK_SECRET: Write whsec_"),
        ({"HEARTBEAT_URL": "hc"}, "NOTIFIER_ALERT_HEARTBEAT_URL must be an http"),
    ],
)
def test_what_is_half_set_or_cannot_be_is_named(ways, given, says):
    with pytest.raises(ImproperlyConfigured, match=says):
        ways(**given)
