"""The environment that the service's processes run in."""

import base64
import os
import shutil
import sys
from pathlib import Path

from stack.servers import Servers
from stack.state import State

#: What would have coverage measured in each of the service's processes: they are tests' means, all
#: that they run is measured elsewhere, and they would take half as long again to start.
NOT_OURS = frozenset({"COVERAGE_PROCESS_CONFIG"})


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
        # The broker may be another's, and a test's that starts a service of its own.
        "NOTIFIER_QUEUE_PREFIX": f"notifier.{state.secret('queue_prefix', os.urandom(4).hex())}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        # The Procfile's commands are those of this virtual environment.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # Said by every process: whitenoise finds the files without `collectstatic`, and in a
        # container everybody is root.
        "PYTHONWARNINGS": "ignore:No directory at,ignore:You're running the worker with superuser",
    }
    given = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**secrets, **given, **places}


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()
