"""The suite of all faults, run one after the other."""

import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from faults.harness.fault import FAULTS, Fault
from faults.harness.load import Audiences
from faults.harness.service import Service, running
from faults.harness.trial import BLAST, Result, Trial
from faults.kinds import (  # noqa: F401  # each registers its faults
    broker,
    cache,
    clocks,
    cluster,
    database,
    messages,
    processes,
    provider,
    receipts,
    silence,
    standby,
    stopping,
    streams,
)
from faults.kinds.later import digests, schedules  # noqa: F401
from stack.errors import StackError


def named(names: Iterable[str]) -> list[Fault]:
    """Return these faults, or all of them. Raises ``KeyError`` with an unknown name."""
    return [FAULTS[name] for name in names] or list(FAULTS.values())


def run_one(
    service: Service, audiences: Audiences, fault: Fault, seed: int, size: int = BLAST
) -> Result:
    """Run one fault on a service that is healed before and after. ``seed``: of the whole run."""
    service.heal()
    # Each fault has random numbers of its own, independent of the faults run before it.
    trial = Trial(service, audiences, seed ^ zlib.crc32(fault.name.encode()), size)
    try:
        return trial.run(fault)
    finally:
        service.heal()


def run_all(faults: Sequence[Fault], seed: int) -> Iterator[Result]:
    """Run faults, and yield each result as it comes.

    They share a service, those that need a cluster another one; after a fault that left work undone
    a new one is started. The service's logs are kept after a failure, or if this is closed early.
    """
    left = deque(sorted(faults, key=lambda fault: fault.cluster))
    while left:
        failed = 0
        try:
            with running(cluster=left[0].cluster) as service:
                audiences = Audiences(service)
                while left and left[0].cluster == (service.cluster is not None):
                    yield (result := run_one(service, audiences, left.popleft(), seed))
                    failed += not result.holds
                    if not result.quiet:
                        break
                if failed:
                    raise StackError(f"{failed} do not hold")  # which keeps the logs
        except StackError:
            if not failed:
                raise
