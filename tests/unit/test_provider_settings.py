"""From the environment to the providers' settings."""

import pytest

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
