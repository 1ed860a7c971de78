"""The Celery application. The Procfile starts the workers, each on its own queues."""

import os

from celery import Celery
from celery.signals import beat_init, celeryd_after_setup, worker_ready

from config.worker import broker_tls, stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's system checks import every view of the API. `migrate` runs them once for all workers.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

broker_tls.install()
app = Celery("notifier", control="config.worker.control:Control")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
worker_ready.connect(stopping.heed_signals)


@celeryd_after_setup.connect
@beat_init.connect
def check_database(**_: object) -> None:
    """Keep workers and beat from starting where database sessions lack their limits."""
    from config import database

    database.check_at_start()


@celeryd_after_setup.connect
def say_in_json(**_: object) -> None:
    """Have a worker's words at a signal be lines of the log, where these are JSON."""
    from celery.apps import worker
    from django.conf import settings

    from config import logs
    from config.logs.formats import say

    if logs.is_json(settings.LOGGING):
        worker.safe_say = say  # type: ignore[attr-defined]  # the stubs leave it out
