"""Faults of input: invalid messages at the broker, and storms of requests."""

import json
import threading
from typing import Any

import kombu

from faults.harness.fault import fault
from faults.harness.trial import Trial
from notifier.domain.queues import names
from stack.backends.rabbitmq import CHANNELS

#: Requests under one key, and how many of them at the same time.
STORM, AT_ONCE = 400, 64
#: A task of the service, which takes no argument.
DOORBELL = "deliver.push.normal"
#: Body, content type and headers of messages that are no task of the service.
POISON: list[tuple[bytes, str, dict[str, Any]]] = [
    (b"\xff\xfe not json", "application/json", {}),
    (b'{"no": "task"}', "application/json", {}),
    (
        b"\x80\x04]\x94.",
        "application/x-python-serialize",
        {"task": DOORBELL, "id": "x"},
    ),
    (b"[[1], {}, {}]", "application/json", {"task": "no.such.task", "id": "x"}),
    (b"[[7], {}, {}]", "application/json", {"task": DOORBELL, "id": "x"}),
    (b'[["x"], {}, {}]', "application/json", {"task": DOORBELL, "id": "x"}),
    (b"[[-1], {}, {}]", "application/json", {"task": "fanout.low", "id": "x"}),
    (
        json.dumps([[10**30], {}, {}]).encode(),
        "application/json",
        {"task": DOORBELL, "id": "x"},
    ),
]


@fault()
def poison_in_every_queue(trial: Trial) -> None:
    """Every queue gets messages that are not JSON, not tasks, pickled, or have wrong arguments."""
    consumed = _consumed(trial)
    trial.broken()
    with kombu.Connection(trial.service.servers.broker_url) as connection:
        producer = connection.Producer()
        for queue in names(CHANNELS):
            for body, content_type, headers in POISON:
                producer.publish(
                    body,
                    routing_key=trial.service.at_broker(queue),
                    content_type=content_type,
                    content_encoding="utf-8",
                    headers=headers,
                )
    trial.publish()
    trial.healed()
    alive = trial.service.stage.processes.pids()
    trial.until(lambda: not any(_depths(trial, consumed).values()), 30, "every queue is empty")
    trial.hold(trial.service.stage.processes.pids() == alive, "a process ended")


@fault()
def storm_on_one_idempotency_key(trial: Trial) -> None:
    """400 requests under one Idempotency-Key, from 64 connections at once."""
    trial.publish()
    trial.broken()
    topic = trial.audiences.topic(50)
    body = {"content": {"title": "Once"}, "channels": ["push"]}
    key = f"storm-{trial.rng.random()}"
    answers: list[Any] = []
    turns = threading.Semaphore(STORM)

    def request_once() -> None:
        while turns.acquire(blocking=False):
            answers.append(
                trial.load.call_until_answered("POST", f"/v1/topics/{topic}/publish", body, key)
            )

    threads = [threading.Thread(target=request_once) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trial.healed()
    trial.hold(len(answers) == STORM, f"{len(answers)} of {STORM} requests were answered")
    trial.hold(all(one == answers[0] for one in answers), "not all answers are the same")
    # And once more through the load, which records the same notification.
    trial.load.know(answers[0]["id"], "blast", 50)


def _consumed(trial: Trial) -> list[str]:
    """Return the queues that a worker of this service consumes."""
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    lines = rabbit.control("list_queues", "name", "consumers", "--no-table-headers").splitlines()
    found = dict(line.split() for line in lines if line.strip())
    return [queue for queue in names(CHANNELS) if int(found.get(trial.service.at_broker(queue), 0))]


def _depths(trial: Trial, queues: list[str]) -> dict[str, int]:
    rabbit = trial.service.servers.rabbitmq
    assert rabbit
    lines = rabbit.control("list_queues", "name", "messages", "--no-table-headers").splitlines()
    found = dict(line.split() for line in lines if line.strip())
    return {queue: int(found.get(trial.service.at_broker(queue), 0)) for queue in queues}
