"""What ``manage.py doctor`` says of providers."""

import json
import socket

import pytest

from apps.doctor.findings import Level
from stack.supervision import ports
from tests.integration.doctor.conftest import only
from tests.support.fakes.certificates import joined

SENDGRID = {
    "class": "notifier.providers.sendgrid.SendGrid",
    "channel": "email",
    "options": {"api_key": "key", "from_email": "news@example.com"},
}


def at(url: str) -> dict[str, object]:
    return SENDGRID | {"options": {**SENDGRID["options"], "base_url": url}}


def test_a_channel_without_a_provider_names_the_settings(doctor, settings):
    settings.PROVIDERS = {"sendgrid": SENDGRID}
    found = only(doctor("providers"), Level.WARNING, "sms has no provider")
    assert "NOTIFIER_TWILIO_ACCOUNT_SID" in found.message


def test_credentials_that_cannot_be_used_are_an_error(doctor, settings, tmp_path):
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"type": "service_account", "private_key": "none"}))
    settings.PROVIDERS = {
        "fcm": {
            "class": "notifier.providers.fcm.FCM",
            "channel": "push",
            "platforms": ["android", "web"],
            "options": {"project_id": "shop", "service_account_file": str(account)},
        }
    }
    found = doctor("providers")
    only(found, Level.ERROR, "fcm cannot be used")
    assert "chmod" in only(found, Level.WARNING, "every user of this machine can read").remedy


@pytest.mark.parametrize(("days", "level"), [(-1, Level.ERROR), (20, Level.WARNING)])
def test_a_certificate_that_ends_is_a_warning_and_then_an_error(
    doctor, settings, tmp_path, days, level
):
    cert_file = str(joined(tmp_path, "apns", days=days))
    settings.PROVIDERS = {
        "apns": {
            "class": "notifier.providers.apns.APNs",
            "channel": "push",
            "platforms": ["ios"],
            "options": {"topic": "com.example.shop", "cert_file": cert_file},
        }
    }
    only(doctor("providers"), level, "apns.pem end")


def test_nobody_is_called_unless_it_is_asked_for(doctor, settings):
    with socket.create_server((ports.HOST, 0)) as server:
        server.settimeout(0.2)
        settings.PROVIDERS = {"sendgrid": at(f"http://127.0.0.1:{server.getsockname()[1]}")}
        assert [one for one in doctor("providers") if "sendgrid" in one.message] == []
        with pytest.raises(TimeoutError):
            server.accept()
        assert [one for one in doctor("providers", "--call") if "sendgrid" in one.message] == []
        server.accept()[0].close()


def test_a_provider_that_cannot_be_reached_is_an_error(doctor, settings):
    settings.PROVIDERS = {"sendgrid": at(f"https://127.0.0.1:{ports.free()}")}
    assert "firewall" in only(doctor("providers", "--call"), Level.ERROR, "be reached").remedy
