"""The Celery application. Workers are started from the Procfile, each on its own queues."""

import os

from celery import Celery
from celery.signals import beat_init, celeryd_after_setup, worker_ready

from config.worker import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks load every page of the API; `migrate` makes them once, not each worker again.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("notifier", control="config.worker.control:Control")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
worker_ready.connect(stopping.heed_signals)


@celeryd_after_setup.connect
@beat_init.connect
def check_database(**_: object) -> None:
    """Neither a worker nor beat starts on sessions without their limits."""
    from config import database

    database.check_at_start()
