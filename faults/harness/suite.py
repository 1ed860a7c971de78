"""Every fault there is, and running some of them one after the other."""

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
)
from stack.errors import StackError


def named(names: Iterable[str]) -> list[Fault]:
    """These faults, or all of them. Raises ``KeyError`` with the name that there is not."""
    return [FAULTS[name] for name in names] or list(FAULTS.values())


def run_one(
    service: Service, audiences: Audiences, fault: Fault, seed: int, size: int = BLAST
) -> Result:
    """One fault, on a line that is whole before and after. The seed is the run's."""
    service.heal()
    # A fault's chances are its own: they are the same whether others run before it or not.
    trial = Trial(service, audiences, seed ^ zlib.crc32(fault.name.encode()), size)
    try:
        return trial.run(fault)
    finally:
        service.heal()


def run_all(faults: Sequence[Fault], seed: int) -> Iterator[Result]:
    """Each of them, as it is done, on one line, and those of a cluster on one that has it; after a
    fault that left work undone, on another.

    Closed before the end, or after a failure, the logs of the line stay.
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
