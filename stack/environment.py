"""The environment that the service's processes run in."""

import base64
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stack.servers import Servers
from stack.state import State


def of(state: State, servers: Servers) -> dict[str, str]:
    """Everything the service needs but its providers: servers, secrets, places.

    Secrets are made once and kept in the state directory; those of the environment win.
    """
    metrics = state.directory / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # the counts of processes that are gone
    metrics.mkdir()
    secrets = {
        "NOTIFIER_SECRET_KEY": state.secret("secret_key"),
        "NOTIFIER_ENCRYPTION_KEYS": "1:" + state.secret("encryption_key", _key()),
        "NOTIFIER_BLIND_INDEX_KEY": state.secret("blind_index_key", _key()),
        "NOTIFIER_INBOX_JWT_SECRET": state.secret("inbox_jwt"),
        "FLOWER_BASIC_AUTH": "admin:" + state.secret("flower"),
    }
    places = {
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "AMQP_URL": servers.broker_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        # The Procfile's commands are those of this virtual environment.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # Said by every process: whitenoise finds the files without `collectstatic`, and in a
        # container everybody is root.
        "PYTHONWARNINGS": "ignore:No directory at,ignore:You're running the worker with superuser",
    }
    return {**secrets, **os.environ, **places}


def of_sandbox(config: Mapping[str, Any]) -> dict[str, str]:
    """The provider settings that lead to a sandbox. ``config`` is its parsed ``sandbox.json``."""
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
        "NOTIFIER_SMTP_HOST": smtp["host"],
        "NOTIFIER_SMTP_PORT": str(smtp["port"]),
        "NOTIFIER_SMTP_USERNAME": smtp["username"],
        "NOTIFIER_SMTP_PASSWORD": smtp["password"],
        "NOTIFIER_SMTP_TLS": "starttls",
        "NOTIFIER_SMTP_FROM_EMAIL": smtp["from_email"],
        "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()
