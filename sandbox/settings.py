"""The service's settings for a sandbox in place of the providers."""

import shlex
from collections.abc import Mapping
from typing import Any


def settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return environment variables by name. ``config``: a parsed ``sandbox.json``."""
    fcm, apns, twilio = config["fcm"], config["apns"], config["twilio"]
    sendgrid, smtp = config["sendgrid"], config["smtp"]
    return {
        "NOTIFIER_CA_FILE": config["ca_file"],
        "NOTIFIER_FCM_PROJECT_ID": fcm["project_id"],
        "NOTIFIER_FCM_SERVICE_ACCOUNT_FILE": fcm["service_account_file"],
        "NOTIFIER_FCM_BASE_URL": fcm["base_url"],
        "NOTIFIER_APNS_TOPIC": apns["topic"],
        "NOTIFIER_APNS_KEY_FILE": apns["key_file"],
        "NOTIFIER_APNS_KEY_ID": apns["key_id"],
        "NOTIFIER_APNS_TEAM_ID": apns["team_id"],
        "NOTIFIER_APNS_CERT_FILE": "",
        "NOTIFIER_APNS_BASE_URL": apns["base_url"],
        "NOTIFIER_TWILIO_ACCOUNT_SID": twilio["account_sid"],
        "NOTIFIER_TWILIO_AUTH_TOKEN": twilio["auth_token"],
        "NOTIFIER_TWILIO_FROM_NUMBER": twilio["from_number"],
        "NOTIFIER_TWILIO_MESSAGING_SERVICE_SID": "",
        "NOTIFIER_TWILIO_BASE_URL": twilio["base_url"],
        "NOTIFIER_SENDGRID_API_KEY": sendgrid["api_key"],
        "NOTIFIER_SENDGRID_FROM_EMAIL": sendgrid["from_email"],
        "NOTIFIER_SENDGRID_BASE_URL": sendgrid["base_url"],
        "NOTIFIER_SENDGRID_WEBHOOK_PUBLIC_KEY": sendgrid["webhook_public_key"],
        "NOTIFIER_SMTP_HOST": smtp["host"],
        "NOTIFIER_SMTP_PORT": str(smtp["port"]),
        "NOTIFIER_SMTP_USERNAME": smtp["username"],
        "NOTIFIER_SMTP_PASSWORD": smtp["password"],
        "NOTIFIER_SMTP_TLS": "starttls",
        "NOTIFIER_SMTP_FROM_EMAIL": smtp["from_email"],
        "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


def as_shell(config: Mapping[str, Any]) -> str:
    """Return them as lines for a shell: ``set -a; . settings.env``."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings(config).items())
