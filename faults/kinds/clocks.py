"""Faults of clocks: machines with a wrong time. PostgreSQL's clock is the one that decides."""

import contextlib
import time
import urllib.error
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from faults.harness import account
from faults.harness.fault import fault
from faults.harness.load import Posted, phone, written
from faults.harness.service import PROCESSES
from faults.harness.trial import BESIDE, SLOW, Trial
from stack import debian
from stack.debian import FAKETIME
from stack.errors import StackError

#: Has what Python needs for that.
SLEEPING = Path(__file__).with_name("skewed")
#: Processes on the blast's channel. Google, like every token issuer, refuses a wrong clock.
SKEWED = ("sms", "housekeeping")
#: All processes but those that get tokens from Google.
EVERYBODY = tuple(name for name in PROCESSES if not name.startswith("push"))
TEXTS = 300
#: The share of the blast that fails once, small enough for the breaker to stay closed.
SOME = 0.2
#: Seconds within which the first blast is sent, failed messages included.
SENT = 30.0
#: Seconds within which scheduled messages begin to be sent: less than the clocks are off.
PUNCTUAL = 2.0


@fault()
def clocks_ten_minutes_ahead(trial: Trial) -> None:
    """The clocks of a worker and the sweeper are ten minutes ahead, and many calls are retried."""
    _by_minutes(trial, "+10m")


@fault()
def clocks_ten_minutes_behind(trial: Trial) -> None:
    """The clocks of a worker and the sweeper are ten minutes behind, and many calls are retried."""
    _by_minutes(trial, "-10m")


@fault()
def clocks_three_seconds_ahead(trial: Trial) -> None:
    """The clocks of the API and of workers are three seconds ahead: nothing is early or refused."""
    _by_seconds(trial, "+3")


@fault()
def clocks_three_seconds_behind(trial: Trial) -> None:
    """The clocks of the API and of workers are three seconds behind: nothing is late."""
    _by_seconds(trial, "-3")


def _by_minutes(trial: Trial, by: str) -> None:
    """Run two blasts: some of the first fail, all of the second.

    The second opens the breaker that all processes share, for which one-time codes would wait
    whatever the clocks show, so they are sent beside the first.
    """
    trial.size = TEXTS
    with _skewed(trial, by, SKEWED):
        for number in range(TEXTS):
            if trial.rng.random() < SOME:
                trial.service.sandbox.behave("twilio", "503", address=phone(number), times=1)
        blast = trial.publish(channel="sms")
        trial.broken()
        trial.until(lambda: trial.done(blast), SENT, "all of it is sent")
        trial.load.stop()
        trial.service.sandbox.behave("twilio", "503", times=1)
        trial.load.blast(TEXTS, "sms")
        trial.broken()
        trial.settled()


def _by_seconds(trial: Trial, by: str) -> None:
    trial.size = TEXTS
    topic = trial.audiences.topic(TEXTS, "sms")
    trial.audiences.topic(BESIDE, "sms")
    with _skewed(trial, by, EVERYBODY):
        _judged_at_the_door(trial)
        send_at = time.time() + 2.0
        scheduled = trial.load.publish(topic, TEXTS, "scheduled", send_at=written(send_at))
        trial.until(lambda: trial.done(scheduled), SENT, "what was scheduled is sent")
        trial.service.sandbox.behave("twilio", "slow", seconds=SLOW)
        trial.publish(channel="sms")
        expiring = trial.load.expiring(BESIDE, "sms")
        trial.broken()
        trial.settled()
    first, _ = _arrived(trial, scheduled)
    trial.hold(first >= send_at, f"the first one was {send_at - first:.1f} s early")
    trial.in_time(first - send_at, PUNCTUAL, "what was scheduled began to go out")
    assert expiring.expires_at is not None
    _, last = _arrived(trial, expiring)
    late = last - expiring.expires_at
    trial.hold(late < account.ON_THE_WAY, f"one was sent {late:.1f} s after it had expired")


def _arrived(trial: Trial, posted: Posted) -> tuple[float, float]:
    """Return when its first and last message reached the provider, by the provider's clock."""
    ids = {row.id for row in account.rows(trial.service, [posted.id])}
    times = [e["at"] for e in account.ledger(trial.service) if e["delivery_id"] in ids]
    return (min(times), max(times)) if times else (time.time(), 0.0)


def _judged_at_the_door(trial: Trial) -> None:
    """Check that an expiry in a second is accepted, and one a second ago refused."""
    person = {"user_id": trial.audiences.person, "channels": ["sms"], "content": {"body": "now"}}
    for seconds, expected in ((1.5, HTTPStatus.ACCEPTED), (-1.5, HTTPStatus.BAD_REQUEST)):
        status, posted = _posted(trial, person | {"expires_at": written(time.time() + seconds)})
        trial.hold(status == expected, f"expiry in {seconds:g} s was answered {status}")
        if posted is not None:
            trial.load.know(posted["id"], "expiring", 1)
            trial.load.posted[posted["id"]].expires_at = time.time() + seconds


def _posted(trial: Trial, body: dict[str, Any]) -> tuple[int, Any]:
    try:
        return HTTPStatus.ACCEPTED, trial.service.call("POST", "/v1/notifications", body)
    except urllib.error.HTTPError as error:
        return error.code, None


@contextlib.contextmanager
def _skewed(trial: Trial, by: str, names: tuple[str, ...]) -> Iterator[None]:
    """Run these processes with wrong clocks until the end of the block."""
    if not debian.installed(FAKETIME):
        raise StackError(f"There is {FAKETIME.missing}.")
    processes = trial.service.stage.processes
    fake = {
        "LD_PRELOAD": FAKETIME.file,
        "FAKETIME": by,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(SLEEPING),
    }
    before = {name: dict(processes[name].env) for name in names}
    for name in names:
        processes[name].env |= fake
    trial.service.start(*names)
    try:
        yield
    finally:
        for name in names:
            processes[name].env.clear()
            processes[name].env |= before[name]
        trial.service.start(*names)
