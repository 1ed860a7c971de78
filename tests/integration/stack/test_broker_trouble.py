"""A worker process outlives everything its broker does, and consumes again afterwards."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator

import kombu
import pytest

from notifier.domain.queues import at_broker
from stack import debian
from stack.backends.rabbitmq import RabbitMQ
from stack.state_directory import fresh
from stack.supervision.process import PATIENCE
from stack.supervision.processes import Procfile, Worker
from tests.support.process_tree import until
from tests.support.programs import need

#: A process of the Procfile that consumes one queue; nothing is sent in these tests.
NAME, PREFIX = "sms_high", "notifier.trouble"
QUEUE = at_broker(PREFIX, "deliver.sms.high")


@pytest.fixture(scope="module")
def rabbit() -> Iterator[RabbitMQ]:
    """A broker of our own, to be broken."""
    need(debian.RABBITMQ)
    with fresh("broker") as state, RabbitMQ(state) as running:
        yield running


@pytest.fixture
def broker(rabbit) -> Iterator[RabbitMQ]:
    """The broker, repaired and emptied after each test."""
    yield rabbit
    if not rabbit.alive:
        rabbit.start()
    with contextlib.suppress(ProcessLookupError):
        os.kill(rabbit.pid, signal.SIGCONT)
    rabbit.control("set_permissions", "notifier", ".*", ".*", ".*")
    rabbit.control("set_vm_memory_high_watermark", "0.6")
    left = named(rabbit, "list_queues")
    with kombu.Connection(rabbit.url) as connection:
        for queue in left:
            connection.default_channel.queue_delete(queue)


@pytest.fixture
def worker(broker, tmp_path) -> Iterator[Worker]:
    """The Procfile's process, which is not started yet."""
    env = {**os.environ, "AMQP_URL": broker.url, "NOTIFIER_QUEUE_PREFIX": PREFIX}
    process = Procfile(env, tmp_path).process(NAME, NAME)
    yield process
    process.stop()


def named(rabbit: RabbitMQ, command: str, *columns: str) -> list[str]:
    lines = rabbit.control(command, *(columns or ("name",)), "--no-table-headers").splitlines()
    return [line.strip() for line in lines if line.strip()]


def consumes(rabbit: RabbitMQ) -> bool:
    """Return whether the worker takes messages of its queue."""
    found = dict(line.split() for line in named(rabbit, "list_queues", "name", "consumers"))
    return int(found.get(QUEUE, 0)) > 0


def ready(worker: Worker) -> None:
    worker.start()
    worker.wait_ready()


def goes_on(worker: Worker, rabbit: RabbitMQ, seconds: float = PATIENCE) -> None:
    """Expect that it consumes again as the same process."""
    pid = worker.pid
    until(lambda: not worker.alive or consumes(rabbit), seconds)
    assert worker.alive and worker.pid == pid, worker.log


def says(worker: Worker, words: str, seconds: float = PATIENCE) -> None:
    """Wait until its log has these words; fail with the log."""
    with contextlib.suppress(AssertionError):
        until(lambda: words in worker.log or not worker.alive, seconds)
    assert words in worker.log, worker.log


def ends_soon(worker: Worker, seconds: float = PATIENCE) -> None:
    """Ask it to stop, and expect that it does without being killed."""
    worker.kill(signal.SIGTERM)
    assert worker.wait(seconds) == 0, worker.log


def test_a_worker_starts_without_its_broker_and_consumes_once_there_is_one(worker, broker):
    broker.stop()
    worker.start()
    says(worker, "Cannot connect")
    broker.start()
    goes_on(worker, broker)


def test_a_worker_that_never_had_a_broker_stops_when_it_is_told_to(worker, broker):
    broker.stop()
    worker.start()
    says(worker, "Cannot connect")
    ends_soon(worker)


def test_a_worker_starts_at_a_broker_that_accepts_connections_and_says_nothing(worker, broker):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        worker.env["AMQP_URL"] = f"amqp://127.0.0.1:{silent.getsockname()[1]}//"
        worker.start()
        says(worker, "Cannot connect")
        ends_soon(worker)


def test_of_several_nodes_a_worker_takes_one_that_answers(worker, broker):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = f"amqp://127.0.0.1:{gone.getsockname()[1]}//"
    worker.env["AMQP_URL"] = f"{nobody};{broker.url};{nobody}"
    ready(worker)
    goes_on(worker, broker)


def test_a_mailbox_that_the_broker_takes_for_another_connections_ends_nobody(worker, broker):
    host = socket.gethostname()
    with kombu.Connection(broker.url) as other:
        for name in (f"{NAME}@{host}", f"{NAME}@{host.partition('.')[0]}"):
            mailbox = kombu.Queue(f"{name}.{PREFIX}.pidbox", exclusive=True, auto_delete=True)
            mailbox(other.default_channel).declare()
        worker.start()
        goes_on(worker, broker)


def test_a_broker_that_refuses_us_for_a_while_ends_nobody(worker, broker):
    ready(worker)
    broker.control("clear_permissions", "notifier")
    broker.control("close_all_connections", "a fault")
    says(worker, "NOT_ALLOWED")
    broker.control("set_permissions", "notifier", ".*", ".*", ".*")
    goes_on(worker, broker)


def test_a_queue_with_other_arguments_ends_nobody_and_is_taken_once_it_is_gone(worker, broker):
    with kombu.Connection(broker.url) as other:
        kombu.Queue(QUEUE, durable=True, max_length=7)(other.default_channel).declare()
    worker.start()
    says(worker, "PRECONDITION_FAILED")
    broker.control("delete_queue", QUEUE)
    goes_on(worker, broker)


def test_a_deleted_queue_is_declared_anew_by_the_one_who_consumed_it(worker, broker):
    ready(worker)
    broker.control("delete_queue", QUEUE)
    goes_on(worker, broker, 5)


@pytest.mark.parametrize("quorum", ["0", "1"])
def test_a_queue_without_a_worker_keeps_a_hundred_doorbells_and_no_more(worker, broker, quorum):
    worker.env["NOTIFIER_QUORUM_QUEUES"] = quorum
    ready(worker)
    worker.stop()
    with kombu.Connection(broker.url) as connection:
        producer = connection.Producer()
        for number in range(250):
            producer.publish({"number": number}, routing_key=QUEUE, delivery_mode=1)
        queue = kombu.Queue(QUEUE).bind(connection.default_channel)
        until(lambda: queue.queue_declare(passive=True).message_count == 100)
        assert queue.get(no_ack=True).payload == {"number": 150}
    assert named(broker, "list_queues") == [QUEUE]


def test_a_worker_stops_in_time_while_its_broker_says_nothing(worker, broker):
    ready(worker)
    os.kill(broker.pid, signal.SIGSTOP)
    time.sleep(1)
    ends_soon(worker, 30)


def test_a_worker_stops_in_time_while_its_broker_takes_no_events(worker, broker):
    ready(worker)
    broker.control("set_vm_memory_high_watermark", "absolute", "1MB")
    time.sleep(5)  # it has sent two heartbeats to Flower
    ends_soon(worker, 30)


def test_with_quorum_queues_nothing_is_declared_for_tasks_with_a_delay(worker, broker):
    worker.env["NOTIFIER_QUORUM_QUEUES"] = "1"
    ready(worker)
    goes_on(worker, broker)
    assert not [name for name in named(broker, "list_queues") if "delayed" in name]
    assert not [name for name in named(broker, "list_exchanges") if "delayed" in name]
