from contextlib import suppress
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutdown, worker_shutting_down
from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "apps.delivery"
    label = "delivery"

    def ready(self) -> None:
        # Signals are listened to from now on.
        import apps.delivery.operations.receivers
        import apps.delivery.status_webhooks.receivers  # noqa: F401

        celeryd_after_setup.connect(_warm_engine, dispatch_uid="warm-engine")
        worker_shutting_down.connect(_release, dispatch_uid="release")
        worker_shutdown.connect(_close_engine, dispatch_uid="close-engine")


def _warm_engine(instance: Any, **_: object) -> None:
    """The first message must not wait for imports, clients and connections.

    From here on the process empties its queues by itself, too: the broker may not be there.
    """
    from celery.concurrency.thread import TaskPool
    from django.conf import settings
    from django.db import DatabaseError, connection

    from apps.core.postgresql import pool
    from apps.delivery.maintenance import sweeper
    from apps.delivery.outbox import reserved
    from apps.delivery.outbox.queues import Queue
    from apps.delivery.sending import process, runtime
    from notifier.domain.priorities import Priority

    if not issubclass(instance.pool_cls, TaskPool):
        return  # the engine's thread would not survive a fork
    pool.fill("default", pool.AT_START)
    reserved.fill()
    consumed = {queue.alias for queue in instance.app.amqp.queues.consume_from.values()}
    queues = [
        queue
        for priority in Priority
        for channel in ("", *settings.CHANNELS)
        if (queue := Queue(channel, priority)).name in consumed
    ]
    if channels := {queue.channel for queue in queues if queue.channel}:
        runtime.warm(channels)
    # What processes of this host had claimed when it lost its power need not wait for the sweeper.
    with suppress(DatabaseError):
        sweeper.release_claims()
    connection.close()
    process.attend(queues)


def _release(**_: object) -> None:
    """Asked to stop: what is being sent is ended, and nothing more is begun."""
    from apps.delivery.sending import process

    process.release()


def _close_engine(**_: object) -> None:
    """Provider connections are closed before the interpreter takes the loop away."""
    from apps.delivery.sending import process

    process.close()
