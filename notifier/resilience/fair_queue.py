"""A fair queue: which waiting call is next, where publishers and hosts share slots.

Publishers are served in turn, and within each turn its hosts are: a call of a publisher that sends
little waits for at most one call of each other publisher. That is enough where all calls go to one
server, which answers all of them equally fast.

Where hosts differ in speed, slow calls would still fill every slot. There, shares are limited as
switches share a buffer between their ports (A. K. Choudhury and E. L. Hahne,
"Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", IEEE/ACM Transactions on
Networking 6(2), 1998): a share may grow with the free slots. One publisher's calls to one host may
be as many as there are free slots, all of a publisher's calls and all calls to a host twice as
many. So one host alone takes a half of the slots, one publisher alone two thirds, and some are
always left for others.
"""

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

J = TypeVar("J")
K = TypeVar("K")


#: Calls of a publisher, or to a host, as a multiple of the free slots.
WIDER = 2
#: The publisher's id and the host that calls go to, which is empty where there is only one. A plain
#: tuple, since one is made for every call.
Flow = tuple[int | None, str]


class FairQueue(Generic[J]):
    """Waiting jobs by flow, and the number of running ones.

    ``shares``: whether flows are limited to a share, so that slots stay free.
    """

    def __init__(self, *, shares: bool = False) -> None:
        self.shares = shares
        #: Waiting items by publisher and host, both in the order of service. No deque is empty.
        self._waiting: OrderedDict[int | None, OrderedDict[str, deque[J]]] = OrderedDict()
        self._flows: Counter[Flow] = Counter()
        self._publishers: Counter[int | None] = Counter()
        self._hosts: Counter[str] = Counter()

    def put(self, flow: Flow, job: J) -> None:
        """Add a job behind those of its flow."""
        publisher, host = flow
        hosts = self._waiting.get(publisher)
        if hosts is None:
            hosts = self._waiting[publisher] = OrderedDict()
        jobs = hosts.get(host)
        if jobs is None:
            jobs = hosts[host] = deque()
        jobs.append(job)

    def take(self, free: int) -> tuple[Flow, J] | None:
        """Take the next job that may begin; call ``done`` when it ends.

        ``free``: free slots, its own included. Returns ``None`` where no job waits, or all that
        wait have used their share.
        """
        for publisher, hosts in self._waiting.items():
            if self.shares and self._publishers[publisher] > WIDER * free:
                continue
            for host, jobs in hosts.items():
                flow = publisher, host
                if self.shares:
                    if not self._fits(flow, free):
                        continue
                    self._count(flow, 1)
                job = jobs.popleft()
                if not jobs:
                    del hosts[host]
                elif len(hosts) > 1:
                    hosts.move_to_end(host)
                if not hosts:
                    del self._waiting[publisher]
                elif len(self._waiting) > 1:
                    self._waiting.move_to_end(publisher)
                return flow, job
        return None

    def done(self, flow: Flow) -> None:
        """Release the slot of a job that was taken."""
        if self.shares:
            self._count(flow, -1)

    def _fits(self, flow: Flow, free: int) -> bool:
        """Return whether one more job fits into the shares of its flow and its host.

        Both are checked, so that no publisher keeps another from the same host.
        """
        return self._flows[flow] <= free and self._hosts[flow[1]] <= WIDER * free

    def _count(self, flow: Flow, number: int) -> None:
        _add(self._flows, flow, number)
        _add(self._publishers, flow[0], number)
        _add(self._hosts, flow[1], number)


def _add(counter: Counter[K], key: K, number: int) -> None:
    """Add to a counter, dropping zeros: hosts come and go."""
    if left := counter[key] + number:
        counter[key] = left
    else:
        del counter[key]
