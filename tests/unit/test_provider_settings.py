"""From the environment to the providers' settings."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env, providers

REAL, SANDBOX = "https://api.twilio.com", "https://127.0.0.1:8093"
HERE, OUTSIDE = "http://127.0.0.1:8000", "https://notify.example.com/"
OWN = "https://hooks.example.com/sms?a=b"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(env, "SETTINGS", [])

    def run(public_url: str, **variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(f"NOTIFIER_{name}", value)
        return providers.configured(public_url)

    return run


@pytest.mark.parametrize(
    ("public_url", "base_url", "given", "callback"),
    [
        (OUTSIDE, REAL, "", "https://notify.example.com/v1/receipts/twilio"),
        (OUTSIDE, REAL, OWN, OWN),
        (HERE, REAL, "", ""),
        (HERE, REAL, "http://localhost/x", ""),
        (HERE, SANDBOX, "", "http://127.0.0.1:8000/v1/receipts/twilio"),
    ],
)
def test_twilio_is_given_a_callback_that_it_can_reach(
    configured, public_url, base_url, given, callback
):
    found = configured(
        public_url,
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="secret",
        TWILIO_BASE_URL=base_url,
        TWILIO_STATUS_CALLBACK=given,
    )["twilio"]
    assert found["options"]["status_callback"] == callback
    assert ("receipts" in found) == bool(callback)
    if callback:
        assert found["receipts"]["options"] == {"auth_token": "secret", "callback": callback}


def test_sendgrids_receipts_are_taken_with_its_key_and_without_one_none(configured):
    assert "receipts" not in configured(OUTSIDE, SENDGRID_API_KEY="SG.1")["sendgrid"]
    found = configured(OUTSIDE, SENDGRID_API_KEY="SG.1", SENDGRID_WEBHOOK_PUBLIC_KEY="MFk=")
    assert found["sendgrid"]["receipts"]["options"] == {"public_key": "MFk="}


def test_a_further_account_is_a_provider_of_its_own_behind_the_first(configured):
    found = configured(
        OUTSIDE,
        FURTHER_ACCOUNTS="twilio-backup,smtp-relay",
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="one",
        TWILIO_BACKUP_ACCOUNT_SID="AC2",
        TWILIO_BACKUP_AUTH_TOKEN="two",
        SMTP_RELAY_HOST="relay.example.com",
        SMTP_RELAY_PORT="2525",
        SENDGRID_API_KEY="SG.1",
    )
    channels = {"sms": ["twilio", "twilio-backup"], "email": ["sendgrid", "smtp-relay"]}
    for channel, names in channels.items():
        assert [name for name in found if found[name]["channel"] == channel] == names
    first, second = found["twilio"]["options"], found["twilio-backup"]["options"]
    assert (first["account_sid"], second["account_sid"]) == ("AC1", "AC2")
    assert found["twilio-backup"]["receipts"]["options"] == {
        "auth_token": "two",
        "callback": "https://notify.example.com/v1/receipts/twilio-backup",
    }
    assert found["smtp-relay"]["options"]["port"] == 2525
    assert not any("BACKUP" in setting.name for setting in env.SETTINGS), "the reference has none"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("twilio-backup", "NOTIFIER_TWILIO_BACKUP_ACCOUNT_SID is not set"),
        ("pigeon-post", "it takes twilio, sendgrid, smtp, a hyphen and a word"),
        ("twilio", "'twilio'"),
    ],
)
def test_a_further_account_that_cannot_be_is_named(configured, name, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        configured(OUTSIDE, FURTHER_ACCOUNTS=name)


def test_a_port_that_is_none_is_named(configured):
    with pytest.raises(ImproperlyConfigured, match="NOTIFIER_SMTP_PORT must be a whole number"):
        configured(OUTSIDE, SMTP_HOST="mail.example.com", SMTP_PORT="smtp")
