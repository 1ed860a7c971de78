"""The thread that reports a process and, in one process at a time, evaluates the alerts.

It needs no broker: beat and ``housekeeping`` both evaluate, so that either says that the other is
gone, and take turns through a row. Where PostgreSQL does not answer there is no turn, and
``database_alarm`` says so: also where a connection stays open and nothing comes back, for which
each round has a thread of its own.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from django.db import connection
from sqlalchemy.exc import TimeoutError as PoolExhausted

from apps.alerts import presence
from apps.core.database_errors import AWAY
from apps.core.processes.kind import KIND

log = logging.getLogger(__name__)

#: Seconds between two rounds.
EVERY = 15.0
#: Seconds after which a round that has not returned may wait for the database, and is not awaited.
PATIENCE = 45.0
#: Processes that evaluate. Others have providers to call, or requests to answer.
EVALUATORS = frozenset({"beat", "housekeeping"})


def start(**_: object) -> None:
    """Start the thread of this process."""
    watcher = Watcher(evaluates=KIND in EVALUATORS)
    threading.Thread(target=watcher.run, name="alerts", daemon=True).start()


class Watcher:
    """Runs a round now and then, and goes on where one hangs."""

    def __init__(self, *, evaluates: bool) -> None:
        self._evaluates = evaluates
        self._round = _InThread(lambda: run_round(evaluates=evaluates))
        self._answered = False
        self._ping = _InThread(self._report)

    def run(self) -> None:
        """Run a round every ``EVERY`` seconds, for ever."""
        pause = threading.Event()
        while True:
            try:
                self.step()
            except Exception:  # or nobody would say anything any more
                log.exception("alerts are watched on after an error")
            pause.wait(EVERY)

    def step(self) -> None:
        """Run a round, or see whether it is the database that the one before still waits for.

        A message that takes long to be sent is no fault of the database: that answers meanwhile.
        """
        if self._round.returns(EVERY) or self._round.seconds < PATIENCE:
            return
        if self._ping.returns(EVERY) and self._answered:
            return
        log.warning("alerts wait for the database: a round has taken %.0f s", self._round.seconds)
        if self._evaluates:
            from apps.alerts import database_alarm

            database_alarm.failed(self._round.began)

    def _report(self) -> None:
        """Report this process and nothing else."""
        self._answered = False
        try:
            presence.report()
        except Exception as error:
            self._answered = isinstance(error, PoolExhausted) or not isinstance(error, AWAY)
            log.warning("a process cannot be reported: %s", type(error).__name__)
        else:
            self._answered = True
        finally:
            connection.close()


class _InThread:
    """Calls something in a daemon thread, one call at a time. ``began``: when, monotonic."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._thread: threading.Thread | None = None
        self.began = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the last call began."""
        return time.monotonic() - self.began

    def returns(self, timeout: float) -> bool:
        """Call it, unless the last call goes on; return whether that returns in time."""
        if self._thread is None or not self._thread.is_alive():
            self.began = time.monotonic()
            self._thread = threading.Thread(target=self._act, name="alerts", daemon=True)
            self._thread.start()
        self._thread.join(timeout)
        return not self._thread.is_alive()


def run_round(*, evaluates: bool, holder: str = "") -> None:
    """Report this process and, if it ``evaluates``, run a round. Never raises.

    ``holder``: whose turn that is to be, by default this process's.
    """
    try:
        if evaluates:  # with imports that no other process needs
            from apps.alerts import database_alarm, evaluation
        presence.report()
        if evaluates:
            database_alarm.over()
            evaluation.run(holder or f"{KIND} {os.getpid()} at {socket.gethostname()}")
    except PoolExhausted:
        log.warning("alerts wait for a connection of this process's pool")
    except AWAY as error:
        log.warning("alerts wait for the database: %s", type(error).__name__)
        if evaluates:
            database_alarm.failed()
    except Exception:
        log.exception("alerts cannot be evaluated")
    finally:
        connection.close()
