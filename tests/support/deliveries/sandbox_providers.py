"""``providers``, a fixture: every provider of the settings, at the sandbox."""

import pytest


@pytest.fixture
def providers(sandbox, settings):
    """Every provider, at the sandbox."""
    config = sandbox.config
    wire = {"ca_file": config["ca_file"], "timeout": 2.0, "concurrency": 64}
    fcm, apns, twilio = config["fcm"], config["apns"], config["twilio"]
    sendgrid = config["sendgrid"]
    settings.PROVIDERS = {
        "fcm": {
            "class": "notifier.providers.fcm.FCM",
            "channel": "push",
            "platforms": ["android", "web"],
            "options": {
                "project_id": fcm["project_id"],
                "service_account_file": fcm["service_account_file"],
                "base_url": fcm["base_url"],
                **wire,
            },
        },
        "apns": {
            "class": "notifier.providers.apns.APNs",
            "channel": "push",
            "platforms": ["ios"],
            "options": {
                **{name: apns[name] for name in ("topic", "key_file", "key_id", "team_id")},
                "base_url": apns["base_url"],
                **wire,
            },
        },
        "twilio": {
            "class": "notifier.providers.twilio.Twilio",
            "channel": "sms",
            "options": {
                "account_sid": twilio["account_sid"],
                "auth_token": twilio["auth_token"],
                "from_number": twilio["from_number"],
                "base_url": twilio["base_url"],
                **wire,
            },
        },
        "sendgrid": {
            "class": "notifier.providers.sendgrid.SendGrid",
            "channel": "email",
            "options": {
                "api_key": sendgrid["api_key"],
                "from_email": sendgrid["from_email"],
                "base_url": sendgrid["base_url"],
                **wire,
            },
        },
        "inbox": settings.PROVIDERS["inbox"],
    }
    return sandbox
