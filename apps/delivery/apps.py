from contextlib import suppress
from typing import Any

from celery.signals import celeryd_after_setup, worker_shutdown, worker_shutting_down
from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "apps.delivery"
    label = "delivery"

    def ready(self) -> None:
        from apps.delivery import invalidation, resuming  # noqa: F401  # listen from now on

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
    from apps.delivery import wiring
    from apps.delivery.outbox import reserved, sweeper
    from apps.delivery.outbox.queues import Queue
    from apps.delivery.sending import runtime
    from notifier.priorities import Priority

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
        wiring.warm(channels)
    # What processes of this host had claimed when it lost its power need not wait for the sweeper.
    with suppress(DatabaseError):
        sweeper.release_claims()
    connection.close()
    runtime.attend(queues)


def _release(**_: object) -> None:
    """Asked to stop: what is being sent is ended, and nothing more is begun."""
    from apps.delivery.sending import runtime

    runtime.release()


def _close_engine(**_: object) -> None:
    """Provider connections are closed before the interpreter takes the loop away."""
    from apps.delivery.sending import runtime

    runtime.close()
