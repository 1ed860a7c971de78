"""The environment that the service's processes run in."""

import base64
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.servers import Servers
from stack.state_directory import State

#: Variables with which coverage would measure the service's processes. They are removed: what these
#: processes run is measured elsewhere, and their start would take half as long again.
NOT_OURS = frozenset({"COVERAGE_PROCESS_CONFIG"})


def of(state: State, servers: Servers) -> dict[str, str]:
    """Return the service's environment except for providers: servers, secrets, directories.

    Secrets are created once and kept in the state directory; those of our environment take
    precedence.
    """
    metrics = state.directory / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # counts of earlier processes
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
        # The broker may be shared with another service or a test's.
        "NOTIFIER_QUEUE_PREFIX": f"notifier.{state.secret('queue_prefix', os.urandom(4).hex())}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        # The Procfile's commands are found in this virtual environment.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # Warnings of every process without a meaning here: whitenoise finds the files without
        # `collectstatic`, and in a container every user is root.
        "PYTHONWARNINGS": "ignore:No directory at,ignore:You're running the worker with superuser",
    }
    given = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**secrets, **given, **places}


def inbox_origins(env: Mapping[str, str], origin: str) -> dict[str, str]:
    """Return the setting that lets pages of an origin read inboxes, beside those it names."""
    named = [one.strip() for one in env.get("NOTIFIER_INBOX_ORIGINS", "").split(",")]
    return {"NOTIFIER_INBOX_ORIGINS": ",".join(filter(None, [*named, origin]))}


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()
