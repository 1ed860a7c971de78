"""Two installations at one broker: neither takes the other's messages nor answers its operators."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.worker import queues
from stack.supervision.process import ROOT
from stack.supervision.processes import Procfile, Worker

NAME = "sms_high"


@pytest.fixture(params=["RabbitMQ", "Redis"])
def broker_url(request) -> str:
    if request.param == "RabbitMQ":
        return request.getfixturevalue("rabbitmq_url")
    return os.environ["REDIS_URL"]


@pytest.fixture
def one(broker_url, tmp_path) -> Iterator[Worker]:
    yield from running("one", broker_url, tmp_path / "one")


@pytest.fixture
def other(broker_url, tmp_path) -> Iterator[Worker]:
    yield from running("other", broker_url, tmp_path / "other")


def running(installation, broker_url, logs) -> Iterator[Worker]:
    """A worker with the Procfile's name, as each installation has one on this host."""
    logs.mkdir()
    env = {**os.environ, "AMQP_URL": broker_url, "NOTIFIER_INSTALLATION": installation}
    del env["NOTIFIER_QUEUE_PREFIX"]
    worker = Procfile(env, logs).process(NAME, NAME)
    worker.start()
    worker.wait_ready()
    yield worker
    worker.stop()
    forget = "import sys; from stack.backends.rabbitmq import forget; forget(*sys.argv[1:])"
    if broker_url.startswith("amqp"):
        prefix = f"notifier.{installation}"
        subprocess.run([sys.executable, "-c", forget, broker_url, prefix], cwd=ROOT, check=True)


def celery(worker: Worker, *command: str) -> str:
    """Run Celery's command as an operator of the worker's installation; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "config", *command],
        cwd=ROOT,
        env=worker.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def active(worker: Worker) -> list[str]:
    """The queues that the workers of this installation consume, as they answer its operator."""
    answer = json.loads(celery(worker, "inspect", "active_queues", "--json"))
    return [queue["name"] for queues in answer.values() for queue in queues]


def test_operators_reach_the_workers_of_their_own_installation_alone(one, other):
    assert active(one) == ["notifier.one.deliver.sms.high"]
    assert active(other) == ["notifier.other.deliver.sms.high"]
    celery(one, "control", "shutdown")
    assert one.wait(30) == 0
    assert active(other) == ["notifier.other.deliver.sms.high"]


def test_messages_of_one_are_neither_taken_nor_purged_by_the_other(one, other):
    other.stop()
    celery(other, "call", "delivery.sweep", "--queue", "deliver.sms.high")
    assert "No messages" in celery(one, "purge", "-f")
    assert "delivery.sweep" not in one.log
    assert "1 message" in celery(other, "purge", "-f")


@pytest.mark.parametrize("prefix", ["amq.mine", "a b", "ä", "x" * 101, "a/b"])
def test_a_prefix_that_the_broker_would_not_take_is_refused(prefix):
    with pytest.raises(ImproperlyConfigured, match="NOTIFIER_QUEUE_PREFIX must be"):
        queues.prefix(prefix, "one")


def test_without_a_prefix_it_is_made_of_the_installations_name():
    assert queues.prefix("", "k3f9ab2c") == "notifier.k3f9ab2c"
    assert queues.prefix("mine", "k3f9ab2c") == "mine"
