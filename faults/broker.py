"""RabbitMQ that is restarted, gone, emptied or full."""

import contextlib
import time
from collections.abc import Iterator

from faults.fault import fault
from faults.trial import Trial

#: A publisher is answered within a second, whatever the broker does.
ANSWER = 1.0


@contextlib.contextmanager
def memory_alarm(trial: Trial) -> Iterator[None]:
    """RabbitMQ takes nothing from those who publish; who consumes goes on."""
    rabbit = trial.line.servers.rabbitmq
    assert rabbit
    rabbit.control("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        yield
    finally:
        rabbit.control("set_vm_memory_high_watermark", "0.6")


@fault(codes=None)
def broker_restarted(trial: Trial) -> None:
    """RabbitMQ is stopped and started again."""
    rabbit = trial.line.servers.rabbitmq
    assert rabbit
    trial.publish()
    trial.begun()
    trial.broken()
    rabbit.restart()
    trial.healed()


@fault(codes=None)
def broker_killed_and_away(trial: Trial) -> None:
    """RabbitMQ is killed and away; publishing is answered at once all the same."""
    rabbit = trial.line.servers.rabbitmq
    assert rabbit
    rabbit.kill()
    trial.broken()
    _answered_at_once(trial)
    trial.publish()
    trial.lasts(1)
    rabbit.start()
    trial.healed()


@fault(codes=None)
def broker_drops_every_connection(trial: Trial) -> None:
    """RabbitMQ closes every connection, three times within three seconds."""
    rabbit = trial.line.servers.rabbitmq
    assert rabbit
    trial.publish()
    trial.begun()
    trial.broken()
    for _ in range(3):
        rabbit.control("close_all_connections", "a fault")
        trial.lasts(1)
    trial.healed()


@fault(codes=None)
def broker_queues_deleted(trial: Trial) -> None:
    """The queues are deleted with all that is in them, under their consumers."""
    rabbit = trial.line.servers.rabbitmq
    assert rabbit
    trial.publish()
    trial.begun()
    trial.broken()
    for queue in ("deliver.push.normal", "deliver.push.low", "fanout.low", "housekeeping"):
        rabbit.control("delete_queue", trial.line.at_broker(queue))
    trial.healed()


@fault(codes=None)
def broker_in_memory_alarm(trial: Trial) -> None:
    """RabbitMQ is out of memory for three seconds and takes nothing from publishers."""
    with memory_alarm(trial):
        trial.broken()
        _answered_at_once(trial)
        trial.publish()
        trial.lasts(3)
    trial.healed()


def _answered_at_once(trial: Trial) -> None:
    """Publishing is answered within a second, however urgent it is: the row is the outbox."""
    for priority in ("high", "normal", "low"):
        began = time.monotonic()
        trial.load.blast(50, priority=priority)
        took = time.monotonic() - began
        trial.in_time(took, ANSWER, "publishing was answered without the broker")
    trial.until(lambda: trial.line.ready()[0] == 200, 10, "the service is ready without its broker")
