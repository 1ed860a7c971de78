"""Faults of RabbitMQ: restarted, away, emptied or full."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import kombu

from faults.harness.fault import fault
from faults.harness.trial import Trial
from notifier.domain.queues import names
from stack.backends.rabbitmq import CHANNELS

#: Seconds within which a publisher is answered, whatever the broker does.
ANSWER = 1.0
#: Seconds for which the broker is away, and one-time codes per second meanwhile.
AWAY, BUSY = 30.0, 20


@contextlib.contextmanager
def memory_alarm(trial: Trial) -> Iterator[None]:
    """Put RabbitMQ into a memory alarm: it blocks publishers, consumers go on."""
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    rabbit.control("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        yield
    finally:
        rabbit.control("set_vm_memory_high_watermark", "0.6")


@fault()
def broker_restarted(trial: Trial) -> None:
    """RabbitMQ is stopped and started again."""
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    trial.publish()
    trial.begun()
    trial.broken()
    rabbit.restart()
    trial.healed()


@fault()
def broker_killed_and_away(trial: Trial) -> None:
    """RabbitMQ is killed and stays down; publishing is still answered at once."""
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    rabbit.kill()
    trial.broken()
    _answered_at_once(trial)
    trial.publish()
    trial.lasts(1)
    rabbit.start()
    trial.healed()


@fault()
def broker_away_for_half_a_minute(trial: Trial) -> None:
    """RabbitMQ is killed and down for 30 s; codes and blasts are sent meanwhile."""
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    rabbit.kill()
    trial.broken()
    until_back = time.monotonic() + AWAY
    blast = trial.publish(codes=BUSY)
    trial.until(lambda: trial.done(blast), AWAY, "the blast is done without the broker")
    trial.lasts(max(0.0, until_back - time.monotonic()))
    rabbit.start()
    trial.healed()


@fault()
def doorbells_lost(trial: Trial) -> None:
    """The queues are purged, again and again for ten seconds."""
    trial.publish(codes=BUSY)
    trial.begun()
    trial.broken()
    with kombu.Connection(trial.service.servers.broker_url) as connection:
        channel: Any = connection.default_channel
        queues = [
            name for name in map(trial.service.at_broker, names(CHANNELS)) if _is(connection, name)
        ]
        for _ in _ten_seconds():
            for queue in queues:
                channel.queue_purge(queue)
    trial.healed()


def _is(connection: Any, queue: str) -> bool:
    """Return whether the queue exists: without a worker it does not."""
    try:
        with connection.channel() as channel:
            channel.queue_declare(queue, passive=True)
    except connection.channel_errors:
        return False
    return True


@fault()
def doorbells_doubled(trial: Trial) -> None:
    """Every queue gets twenty doorbells a second, though it may have no work."""
    trial.publish(codes=BUSY)
    trial.begun()
    trial.broken()
    with kombu.Connection(trial.service.servers.broker_url) as connection:
        producer = connection.Producer()
        for _ in _ten_seconds():
            for queue in [*names(CHANNELS)] * 2:
                producer.publish(
                    [[], {}, {}],
                    routing_key=trial.service.at_broker(queue),
                    headers={"task": queue, "id": str(uuid.uuid4()), "lang": "py"},
                )
    trial.healed()


@fault()
def broker_drops_every_connection(trial: Trial) -> None:
    """RabbitMQ closes every connection, three times within three seconds."""
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    trial.publish()
    trial.begun()
    trial.broken()
    for _ in range(3):
        rabbit.control("close_all_connections", "a fault")
        trial.lasts(1)
    trial.healed()


@fault()
def broker_queues_deleted(trial: Trial) -> None:
    """The queues are deleted with their messages while workers consume them."""
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    trial.publish()
    trial.begun()
    trial.broken()
    with kombu.Connection(trial.service.servers.broker_url) as connection:
        channel: Any = connection.default_channel
        for queue in names(CHANNELS):
            channel.queue_delete(trial.service.at_broker(queue))
    trial.healed()


@fault()
def broker_in_memory_alarm(trial: Trial) -> None:
    """RabbitMQ is out of memory for three seconds and takes nothing from publishers."""
    with memory_alarm(trial):
        trial.broken()
        _answered_at_once(trial)
        trial.publish()
        trial.lasts(3)
    trial.healed()


def _ten_seconds() -> Iterator[None]:
    """Iterate for ten seconds, ten times per second."""
    for _ in range(100):
        yield
        time.sleep(0.1)


def _answered_at_once(trial: Trial) -> None:
    """Check that publishing is answered within a second at every priority: rows are the outbox."""
    for priority in ("high", "normal", "low"):
        began = time.monotonic()
        trial.load.blast(50, priority=priority)
        took = time.monotonic() - began
        trial.in_time(took, ANSWER, "publishing was answered without the broker")
    trial.until(
        lambda: trial.service.ready()[0] == 200, 10, "the service is ready without its broker"
    )
