"""Faults of failover: a PostgreSQL standby is promoted."""

import itertools
import os
import signal
import subprocess
import time
from dataclasses import replace

from faults.harness import account
from faults.harness.fault import Duplicates, fault
from faults.harness.service import listening, until
from faults.harness.trial import Trial
from stack.backends.postgres import BINARIES, DATABASE, USER, Postgres
from stack.errors import StackError
from stack.state_directory import State
from stack.supervision import unprivileged
from stack.supervision.ports import HOST

#: Seconds by which the asynchronous standby lags.
BEHIND = 2.0
#: Seconds from its promotion until one-time codes arrive again.
AGAIN = 2.0
_numbers = itertools.count(1)


class Standby(Postgres):
    """A standby of a running primary, until it is promoted."""

    def __init__(self, state: State, primary: Postgres) -> None:
        super().__init__(state, listening(), name=f"standby-{next(_numbers)}")
        self._primary = primary

    def promote(self) -> None:
        """Promote it. Returns once it accepts statements that write."""
        self.sql("SELECT pg_promote()")

    def receiver(self) -> int:
        """Return the pid of its WAL receiver."""
        [(pid,)] = self.sql("SELECT pid FROM pg_stat_wal_receiver")
        return int(pid)

    def _make_cluster(self) -> None:
        self.data.mkdir(mode=0o700)
        unprivileged.give(self.data)
        program = str(BINARIES / "pg_basebackup")
        options = [f"--pgdata={self.data}", f"--dbname={self._primary.url}"]
        options += ["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf"]
        command = [*self._as_user, program, *options]
        made = subprocess.run(command, capture_output=True, text=True, env=self._env, check=False)
        if made.returncode:
            raise StackError(f"pg_basebackup failed:\n{made.stderr}")


@fault(Duplicates.CAPACITY, codes=None)
def synchronous_standby_promoted(trial: Trial) -> None:
    """PostgreSQL's primary is killed, and its synchronous standby promoted."""
    _promoted(trial, synchronous=True)


@fault(Duplicates.IN_FLIGHT, codes=None)
def standby_two_seconds_behind_promoted(trial: Trial) -> None:
    """PostgreSQL's primary is killed, and its standby, which lacks two seconds, promoted."""
    _promoted(trial, synchronous=False)


def _promoted(trial: Trial, *, synchronous: bool) -> None:
    service = trial.service
    primary = service.servers.postgres
    assert primary
    standby = service.keep(Standby(service.state, primary))
    if synchronous:
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.sql("SELECT pg_reload_conf()")
        until(
            lambda: service.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"),
            "the standby is synchronous",
        )
    at = f"{HOST}:{primary.port},{HOST}:{standby.port}"
    service.use_database(f"postgres://{USER}:{primary.password}@{at}/{DATABASE}")
    trial.publish()
    trial.begun()
    if not synchronous:
        receiver = standby.receiver()
        os.kill(receiver, signal.SIGSTOP)
        trial.lasts(BEHIND)
    trial.broken()
    primary.kill()
    if not synchronous:
        for number in (signal.SIGTERM, signal.SIGCONT):  # it reads nothing more of what has arrived
            os.kill(receiver, number)
    standby.promote()
    promoted = time.time()
    trial.healed()
    service.servers = replace(service.servers, postgres=standby, database_url=standby.url)
    if not synchronous:
        trial.forget_lost(BEHIND)
    trial.settled()
    codes = {
        row.id
        for row in account.rows(service, trial.load.posted)
        if trial.load.posted[row.notification].kind == "code" and row.accepted_at > promoted
    }
    arrived = [e["at"] for e in account.ledger(service) if e["delivery_id"] in codes]
    again = min(arrived, default=float("inf")) - promoted
    trial.hold(again < AGAIN, f"one-time codes arrived again after {again:.1f} s")
    service.use_database(standby.url)
