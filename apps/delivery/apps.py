"""The Django app, and what a Celery worker does when it starts and stops."""

from contextlib import suppress
from typing import Any

from celery.signals import (
    beat_init,
    celeryd_after_setup,
    task_postrun,
    task_prerun,
    worker_shutdown,
    worker_shutting_down,
)
from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """The app ``delivery``."""

    name = "apps.delivery"
    label = "delivery"

    def ready(self) -> None:
        """Connect the receivers of signals, Celery's among them."""
        import apps.delivery.operations.receivers
        import apps.delivery.status_webhooks.receivers  # noqa: F401

        celeryd_after_setup.connect(_warm_up, dispatch_uid="warm-up")
        beat_init.connect(_answer_probes, dispatch_uid="probe")
        task_prerun.connect(_begin_task, dispatch_uid="begin-turn")
        task_postrun.connect(_end_task, dispatch_uid="end-turn")
        worker_shutting_down.connect(_release, dispatch_uid="release")
        worker_shutdown.connect(_close, dispatch_uid="close-event-loop")


def _warm_up(instance: Any, **_: object) -> None:
    """Warm up before the first message, which must not wait for imports and connections.

    From here on the process also polls its queues: the broker may be down.
    """
    from celery.concurrency.thread import TaskPool
    from django.db import DatabaseError, connection

    from apps.core import tracing
    from apps.core.postgresql import pool
    from apps.delivery.maintenance import sweeper
    from apps.delivery.outbox import reserved
    from apps.delivery.outbox.queues import all_queues
    from apps.delivery.sending import process, runtime

    if not issubclass(instance.pool_cls, TaskPool):
        return  # the event loop's thread would not survive a fork
    tracing.start()
    pool.fill("default", pool.AT_START)
    reserved.fill()
    consumed = {queue.alias for queue in instance.app.amqp.queues.consume_from.values()}
    queues = [queue for queue in all_queues() if queue.name in consumed]
    if channels := {queue.channel for queue in queues if queue.channel}:
        runtime.warm(channels)
    # Claims of this host's processes that were killed with it need not wait for the sweeper.
    with suppress(DatabaseError):
        sweeper.release_claims()
    connection.close()
    process.attend(queues)
    _answer_probes()


def _answer_probes(**_: object) -> None:
    """Answer probes from now on: the process is ready."""
    from apps.delivery.monitoring import probe

    probe.start()


def _begin_task(sender: Any, **_: object) -> None:
    """Note that a thread has a task to do."""
    from apps.core.processes import progress

    progress.turn(sender.name)


def _end_task(**_: object) -> None:
    """Note that a thread has nothing to do."""
    from apps.core.processes import progress

    progress.rest()


def _release(**_: object) -> None:
    """Finish what is being sent, and send nothing more: the worker is asked to stop."""
    from apps.delivery.sending import process

    process.release()


def _close(**_: object) -> None:
    """Close the providers' connections before the interpreter destroys the event loop."""
    from apps.core import tracing
    from apps.delivery.sending import process

    process.close()
    tracing.stop()
