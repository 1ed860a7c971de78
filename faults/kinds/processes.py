"""Faults of processes: killed, stopped or run twice."""

import contextlib
import signal
import time
from collections.abc import Iterator

from faults.harness.fault import Duplicates, fault
from faults.harness.provider_proxy import Gate
from faults.harness.service import CHUNK_SIZE, PROCESSES
from faults.harness.trial import Trial
from faults.kinds import locks
from faults.kinds.broker import memory_alarm
from faults.kinds.provider import some_fail

#: Chunks in one page of a fan-out (apps.delivery.fanout.chunking.PAGE).
PAGE = 20
#: Seconds for a worker that continues to notice its lost lease and log it.
SAYS_SO = 15.0
#: Seconds within which one-time codes arrive after everything was killed.
AT_ONCE = 3.0
#: People of a notification with a step, and how many of them read it before its step is due.
PEOPLE, READERS = 600, 150
#: Seconds until the step is due.
STEP_AFTER = 3
READ = """
INSERT INTO delivery_answer (notification_id, recipient_id, source, read_at)
SELECT n.id, s.recipient_id, 'inbox', clock_timestamp()
  FROM delivery_notification n JOIN topics_subscription s ON s.topic_id = n.topic_id
 WHERE n.id = %s ORDER BY s.id LIMIT %s
"""


@fault()
def worker_killed_after_claim(trial: Trial) -> None:
    """A worker is killed when it has claimed deliveries and sent none of them."""
    push = trial.service.stage.processes["push"]
    usual = push.env["NOTIFIER_FCM_BASE_URL"]
    with Gate(usual) as gate:
        gate.shut()
        push.env["NOTIFIER_FCM_BASE_URL"] = gate.url
        trial.service.start("push")
        trial.publish()
        trial.until(lambda: _sending(trial) >= CHUNK_SIZE, 20, "a chunk is claimed")
        trial.service.kill("push")
        trial.broken()
    push.env["NOTIFIER_FCM_BASE_URL"] = usual
    trial.service.start("push")
    trial.healed()


@fault(Duplicates.IN_FLIGHT)
def worker_killed_between_send_and_record(trial: Trial) -> None:
    """A worker is killed when the provider has its messages and no outcome is recorded."""
    trial.publish()
    trial.begun(CHUNK_SIZE)
    with locks.held(trial.service, locks.RECORDING):
        locks.somebody_waits(trial.service)
        trial.service.kill("push")
        trial.broken()
    trial.service.start("push")
    trial.healed()


@fault(Duplicates.IN_FLIGHT)
def worker_killed(trial: Trial) -> None:
    """A worker is killed at any moment."""
    trial.publish()
    trial.begun()
    trial.service.kill("push")
    trial.broken()
    trial.service.start("push")
    trial.healed()


@fault()
def fan_out_killed_before_its_first_cut(trial: Trial) -> None:
    """The fan-out worker is down when an audience is to be cut."""
    trial.service.kill("fanout")
    trial.publish()
    trial.broken()
    trial.lasts(1)
    trial.service.start("fanout")
    trial.healed()


@fault()
def fan_out_killed_between_two_pages(trial: Trial) -> None:
    """The fan-out worker is killed between the first and the second page of an audience."""
    service = trial.service
    service.stage.processes.kill("fanout", signal.SIGSTOP)
    blast = trial.publish()
    [(first_of_second_page,)] = service.sql(
        "SELECT s.id FROM topics_subscription s JOIN delivery_notification n "
        "ON n.topic_id = s.topic_id WHERE n.id = %s ORDER BY s.id OFFSET %s LIMIT 1",
        blast.id,
        PAGE * CHUNK_SIZE,
    )
    cut = (
        "INSERT INTO delivery_chunk (notification_id, kind, channel, priority, low_id, high_id, "
        "state, fence, due_at, ready_at) VALUES (%s, 'range', 'push', 'normal', %s, %s, 'queued', "
        "0, now(), now())"
    )
    # The worker's own cut of this slice waits for our transaction.
    with locks.held(service, cut, blast.id, first_of_second_page, first_of_second_page):
        service.stage.processes.kill("fanout", signal.SIGCONT)
        locks.somebody_waits(service)
        service.kill("fanout")
        trial.broken()
        trial.hold(_cuts(trial, blast.id) == PAGE, "not one page was cut when it was killed")
    service.start("fanout")
    trial.healed()


@fault()
def fan_out_killed_before_it_publishes(trial: Trial) -> None:
    """The fan-out worker is killed when its chunks are committed and no doorbell is published."""
    service = trial.service
    with _without_events(trial, "fanout"):
        service.stage.processes.kill("fanout", signal.SIGSTOP)
        blast = trial.publish()
        with memory_alarm(trial):
            service.stage.processes.kill("fanout", signal.SIGCONT)
            trial.until(lambda: _cuts(trial, blast.id) > 0, 20, "the first page is cut")
            service.kill("fanout")
            trial.broken()
    service.start("fanout")
    trial.healed()


@fault()
def api_killed_between_commit_and_publish(trial: Trial) -> None:
    """The API is killed when it has answered 202 and no doorbell is published."""
    with memory_alarm(trial):
        trial.publish()
        trial.service.kill("web")
        trial.broken()
    trial.service.start("web")
    trial.healed()


@fault()
def api_killed_in_the_middle_of_requests(trial: Trial) -> None:
    """The API is killed with requests in its transactions; their callers repeat them."""
    trial.publish()
    trial.begun()
    with locks.held(trial.service, locks.ACCEPTING):
        locks.somebody_waits(trial.service)
        trial.lasts(0.5)  # the codes of that time are being accepted now
        trial.service.kill("web")
        trial.broken()
    trial.service.start("web")
    trial.healed()


@fault(Duplicates.IN_FLIGHT)
def sweeper_killed_between_commit_and_publish(trial: Trial) -> None:
    """The sweeper is killed when it has released lost claims and published no doorbell."""
    service = trial.service
    with _without_events(trial, "housekeeping"):
        service.stage.processes.kill("housekeeping", signal.SIGSTOP)
        trial.publish()
        trial.begun(CHUNK_SIZE)
        service.kill("push")
        trial.broken()
        trial.until(lambda: _overdue(trial), 20, "the leases of claims are over")
        with memory_alarm(trial):
            service.stage.processes.kill("housekeeping", signal.SIGCONT)
            trial.until(lambda: not _overdue(trial), 20, "the claims are released")
            service.kill("housekeeping")
    service.start("housekeeping", "push")
    trial.healed()


@fault()
def sweeper_killed(trial: Trial) -> None:
    """The sweeper is killed and down for two seconds, while deliveries wait for their retry."""
    _without(trial, "housekeeping")


@fault()
def beat_killed(trial: Trial) -> None:
    """Beat is killed and down for two seconds, while deliveries wait for their retry."""
    _without(trial, "beat")


@fault()
def two_beats(trial: Trial) -> None:
    """A second beat runs: every sweep is made twice."""
    some_fail(trial, 0.2)
    with trial.service.stage.processes["beat"].twin():
        trial.publish(slow=0)
        trial.broken()
        trial.begun()
        trial.lasts(5)
        trial.healed()


@fault(Duplicates.IN_FLIGHT)
def worker_stopped_past_its_lease(trial: Trial) -> None:
    """A worker is stopped for longer than its lease, then continues: it writes nothing."""
    trial.publish()
    trial.begun()
    trial.service.stage.processes.kill("push", signal.SIGSTOP)
    trial.broken()
    with trial.service.stage.processes["push"].twin() as second:
        second.wait_ready()
        trial.lasts(trial.service.lease + 1)
        trial.service.stage.processes.kill("push", signal.SIGCONT)
        trial.healed()
        worker = trial.service.stage.processes["push"]
        trial.until(
            lambda: "released to other workers" in worker.log,
            SAYS_SO,
            "the worker that stood still says that its claims were released",
        )


@fault()
def one_claim_locked(trial: Trial) -> None:
    """One claim's row is locked for two leases while its worker holds others."""
    service = trial.service
    trial.publish(slow=1.5)  # so that claims are held for longer than that
    trial.until(lambda: _claims(trial) > 1, 20, "a worker holds several claims")
    with locks.held(service, locks.ONE_CLAIM):
        trial.broken()
        over, overdue = time.monotonic() + 2 * service.lease + 1, 0
        while time.monotonic() < over:
            overdue = max(overdue, _overdue(trial))
            time.sleep(0.2)
        trial.hold(overdue <= 1, f"the leases of {overdue} claims were over, with one locked")
    trial.healed()


@fault(Duplicates.IN_FLIGHT, codes=AT_ONCE)
def everything_killed_at_once(trial: Trial) -> None:
    """Every process of the service is killed at the same moment, as by a power cut."""
    trial.publish()
    trial.begun()
    trial.service.kill(*PROCESSES)
    trial.broken()
    trial.service.start(*PROCESSES)
    trial.healed()


@contextlib.contextmanager
def _without_events(trial: Trial, process: str) -> Iterator[None]:
    """Run a process without events for Flower, which would block on a stopped broker."""
    env = trial.service.stage.processes[process].env
    env["NOTIFIER_TASK_EVENTS"] = "0"
    trial.service.start(process)
    try:
        yield
    finally:
        del env["NOTIFIER_TASK_EVENTS"]


def _sending(trial: Trial) -> int:
    [(number,)] = trial.service.sql(
        "SELECT count(*) FROM delivery_delivery WHERE state = 'sending' AND channel = 'push'"
    )
    return int(number)


def _overdue(trial: Trial) -> int:
    """Count the claims whose leases have expired."""
    [(number,)] = trial.service.sql(
        "SELECT count(*) FROM delivery_claim WHERE lease_until <= now()"
    )
    return int(number)


def _claims(trial: Trial) -> int:
    """Count the claims of the blast's workers."""
    [(number,)] = trial.service.sql(
        "SELECT count(*) FROM delivery_claim WHERE channel = 'push' AND priority = 'normal'"
    )
    return int(number)


def _cuts(trial: Trial, notification: str) -> int:
    [(number,)] = trial.service.sql(
        "SELECT count(*) FROM delivery_chunk WHERE kind = 'range' AND notification_id = %s",
        notification,
    )
    return int(number)


def _without(trial: Trial, process: str) -> None:
    some_fail(trial, 0.2)
    trial.publish(slow=0)
    trial.begun()
    trial.service.kill(process)
    trial.broken()
    trial.lasts(2)
    trial.service.start(process)
    trial.healed()


@fault(Duplicates.IN_FLIGHT)
def worker_killed_with_a_step(trial: Trial) -> None:
    """A worker is killed while it sends a step to those who have not read the notification."""
    service = trial.service
    trial.publish()
    trial.begun()
    topic = trial.audiences.topic(PEOPLE)
    posted = service.call(
        "POST",
        f"/v1/topics/{topic}/publish",
        {
            "channels": ["inbox"],
            "content": {"title": "Your contract ends"},
            "priority": "normal",
            "fallback": {"channel": "push", "after_seconds": STEP_AFTER, "unless": "read"},
        },
    )
    trial.load.know(posted["id"], "scheduled", PEOPLE - READERS)
    service.sql(READ, posted["id"], READERS)
    trial.until(lambda: _of_step(trial, posted["id"]) > 0, 30, "a worker has claimed the step")
    service.kill("push")
    trial.broken()
    service.start("push")
    trial.healed()


def _of_step(trial: Trial, notification: str) -> int:
    [(number,)] = trial.service.sql(
        "SELECT count(*) FROM delivery_delivery WHERE notification_id = %s AND step = 1",
        notification,
    )
    return int(number)
