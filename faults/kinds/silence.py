"""Faults of silence: connections to PostgreSQL through which no packet passes any more."""

import time

from faults.harness.fault import Duplicates, fault
from faults.harness.service import CHUNK_SIZE
from faults.harness.trial import Trial
from faults.kinds import locks, network

#: People of the notification published meanwhile.
ASIDE = 50
#: Seconds within which publishing is answered again.
ANSWER = 30.0


@fault(Duplicates.CAPACITY, codes=None)
def database_goes_silent(trial: Trial) -> None:
    """Packets to PostgreSQL's address are dropped, and it is reached at another one."""
    postgres = trial.service.servers.postgres
    assert postgres
    trial.audiences.topic(ASIDE)
    with network.addresses(1, 2) as (old, new):
        trial.service.use_database(network.url(postgres, old, new))
        try:
            trial.publish()
            trial.begun()
            network.silence(old)
            trial.broken()
            began = time.monotonic()
            trial.load.blast(ASIDE)
            took = time.monotonic() - began
            trial.hold(took < ANSWER, f"publishing was answered after {took:.0f} s")
            trial.settled()
        finally:
            trial.service.use_database(postgres.url)


@fault(Duplicates.IN_FLIGHT, recovery=90.0)
def worker_host_loses_power(trial: Trial) -> None:
    """A worker's host loses power in a transaction: no packet tells PostgreSQL."""
    push = trial.service.stage.processes["push"]
    postgres = trial.service.servers.postgres
    assert postgres
    with network.addresses(3) as [address]:
        push.env["DATABASE_URL"] = network.url(postgres, address)
        trial.service.start("push")
        try:
            trial.publish()
            trial.begun(CHUNK_SIZE)
            with locks.held(trial.service, locks.COUNTING):
                locks.somebody_waits(trial.service)
                network.silence(address)
                trial.service.kill("push")
                trial.broken()
        finally:
            push.env["DATABASE_URL"] = postgres.url
        trial.service.start("push")
        trial.settled()
