"""Machines whose clocks are wrong. PostgreSQL's clock is the one that decides."""

from faults.fault import fault
from faults.trial import Trial
from stack import debian
from stack.debian import FAKETIME
from stack.errors import StackError

#: On the channel of the blast. Google, like every issuer of tokens, refuses a clock that is off.
SKEWED = ("sms", "housekeeping")
TEXTS = 300


@fault(codes=None)
def clocks_ten_minutes_ahead(trial: Trial) -> None:
    """A worker's and the sweeper's clock are ten minutes ahead, and everything is tried twice."""
    _skewed(trial, "+10m")


@fault(codes=None)
def clocks_ten_minutes_behind(trial: Trial) -> None:
    """A worker's and the sweeper's clock are ten minutes behind, and everything is tried twice."""
    _skewed(trial, "-10m")


def _skewed(trial: Trial, by: str) -> None:
    if not debian.installed(FAKETIME):
        raise StackError(f"There is {FAKETIME.missing}.")
    processes = trial.line.stage.processes
    fake = {"LD_PRELOAD": FAKETIME.file, "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    for name in SKEWED:
        processes[name].env |= fake
    trial.line.start(*SKEWED)
    try:
        trial.size = TEXTS
        trial.line.sandbox.behave("twilio", "503", times=1)
        trial.publish(channel="sms")
        trial.broken()
        trial.settled()
    finally:
        for name in SKEWED:
            for key in fake:
                processes[name].env.pop(key, None)
        trial.line.start(*SKEWED)
