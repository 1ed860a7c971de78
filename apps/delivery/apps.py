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
    """The first message must not wait for imports and clients to be built."""
    from celery.concurrency.thread import TaskPool
    from django.conf import settings

    from apps.delivery import wiring
    from notifier.priorities import Priority
    from notifier.queues import deliver_queue

    if not issubclass(instance.pool_cls, TaskPool):
        return  # the engine's thread would not survive a fork
    consumed = {queue.alias for queue in instance.app.amqp.queues.consume_from.values()}
    channels = [
        channel
        for channel in settings.CHANNELS
        if any(deliver_queue(channel, priority) in consumed for priority in Priority)
    ]
    if channels:
        wiring.warm(channels)


def _release(**_: object) -> None:
    """Asked to stop: what is being sent is ended, and nothing more is begun."""
    from apps.delivery import wiring

    wiring.release()


def _close_engine(**_: object) -> None:
    """Provider connections are closed before the interpreter takes the loop away."""
    from apps.delivery import wiring

    wiring.close()
