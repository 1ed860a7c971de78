"""Faults of the stream: what open inboxes are sent while their process ends and Redis is away."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.harness.listeners import Listeners
from faults.harness.fault import fault
from faults.harness.service import until
from faults.harness.trial import Trial
from notifier.security.tokens import sign
from stack.errors import StackError

#: Open inboxes, and items a second to them, one after the other.
PEOPLE, PER_SECOND = 300, 50
#: Seconds from the end of the process within which all of them are open again.
BACK = 15.0
#: Seconds for which tokens are valid.
TOKEN_LIFE = 1_800


@fault()
def stream_restarted_and_killed(trial: Trial) -> None:
    """The stream's process is restarted, then killed, while items go to 300 open inboxes."""
    processes = trial.service.stage.processes
    trial.publish()
    with _open_inboxes(trial) as listeners:
        trial.begun()
        trial.broken()
        trial.lasts(1.0)
        ended = time.monotonic()
        trial.service.start("stream")
        _come_back(trial, listeners, ended)
        trial.lasts(1.0)
        ended = time.monotonic()
        trial.service.kill("stream")
        trial.lasts(1.0)
        processes["stream"].start()
        processes["stream"].wait_ready()
        trial.healed()
        _come_back(trial, listeners, ended)
        trial.lasts(1.0)


@fault()
def redis_gone_while_streams_are_open(trial: Trial) -> None:
    """Redis is killed for five seconds while items go to 300 open inboxes."""
    server = trial.service.servers.redis
    assert server
    trial.publish()
    with _open_inboxes(trial):
        trial.begun()
        server.kill()
        trial.broken()
        trial.lasts(5.0)
        server.start()
        trial.healed()
        trial.lasts(1.0)


def _come_back(trial: Trial, listeners: Listeners, ended: float) -> None:
    listeners.wait_open(PEOPLE)
    trial.in_time(time.monotonic() - ended, BACK, "all streams are open again")


@contextmanager
def _open_inboxes(trial: Trial) -> Iterator[Listeners]:
    """Post items to open inboxes; at the end each item has been sent once, and nothing else."""
    stage = trial.service.stage
    people = trial.audiences.inboxes(PEOPLE)
    secret, now = stage.env["NOTIFIER_INBOX_JWT_SECRET"], int(time.time())
    tokens = [sign({"sub": name, "iat": now, "exp": now + TOKEN_LIFE}, secret) for name in people]
    posted: list[int] = []
    stopping = threading.Event()

    def post() -> None:
        try:
            for number in itertools.count():
                if stopping.wait(1 / PER_SECOND):
                    return
                trial.load.item(people[number % PEOPLE], at=time.time(), number=number)
                posted.append(number)
        except (StackError, OSError) as error:
            trial.problems.append(str(error))

    with Listeners(trial.service.state, stage.stream_url) as listeners:
        listeners.open(tokens)
        posting = threading.Thread(target=post, daemon=True)
        posting.start()
        try:
            yield listeners
        finally:
            stopping.set()
            posting.join()
        _balance(trial, listeners, posted)


def _balance(trial: Trial, listeners: Listeners, posted: list[int]) -> None:
    """Compare what was posted with what the streams were sent."""
    seen: set[int] = set()
    twice = resyncs = 0

    def all_received() -> bool:
        nonlocal twice, resyncs
        found = listeners.report()
        twice += found.twice + len(seen.intersection(found.seen))
        resyncs += found.resyncs
        seen.update(found.seen)
        return seen.issuperset(posted)

    try:
        until(all_received, "the streams were told of every item")
        time.sleep(1.0)  # for one that is sent again
        all_received()
    except StackError:
        trial.problems.append(f"{len(set(posted) - seen)} items were told to nobody")
    trial.hold(posted, "no item was posted")
    trial.hold(not twice, f"{twice} items were told twice")
    trial.hold(not resyncs, f"{resyncs} streams were to list their inboxes again")
