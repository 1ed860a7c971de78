"""Which waiting call is next, where calls of several publishers to several hosts share slots.

Publishers take turns, and at each of a publisher's turns its hosts do: one call of a publisher
with little to say waits for one call of each other at most. That is enough where all calls go to
one server, which answers all of them equally fast.

Where each host has a pace of its own, slow calls would fill every slot all the same. There, shares
are limited as switches share a buffer between their ports (A. K. Choudhury and E. L. Hahne,
"Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", IEEE/ACM Transactions on
Networking 6(2), 1998): a share may grow with what is free. One publisher's calls to one host may
be as many as there are free slots, all of a publisher's and all to a host twice as many. So one
host alone takes a half, one publisher alone two thirds, and there is always something left for a
newcomer.
"""

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

J = TypeVar("J")
K = TypeVar("K")


#: How many times what is free the calls of a publisher, or to a host, may be.
WIDER = 2
#: Whose calls they are, by the publisher's id, and which host they go to; empty where there is
#: only one. A plain tuple: one is made for every call.
Flow = tuple[int | None, str]


class FairQueue(Generic[J]):
    """Jobs that wait, and how many of each flow are under way. ``shares``: whether they are
    limited, so that slots stay free."""

    def __init__(self, *, shares: bool = False) -> None:
        self.shares = shares
        #: By publisher and host, each in the order of their turns. No deque is empty.
        self._waiting: OrderedDict[int | None, OrderedDict[str, deque[J]]] = OrderedDict()
        self._flows: Counter[Flow] = Counter()
        self._publishers: Counter[int | None] = Counter()
        self._hosts: Counter[str] = Counter()

    def put(self, flow: Flow, job: J) -> None:
        """Let the job wait behind those of its flow."""
        publisher, host = flow
        hosts = self._waiting.get(publisher)
        if hosts is None:
            hosts = self._waiting[publisher] = OrderedDict()
        jobs = hosts.get(host)
        if jobs is None:
            jobs = hosts[host] = deque()
        jobs.append(job)

    def take(self, free: int) -> tuple[Flow, J] | None:
        """The next job that may begin while ``free`` slots are, its own included; ``None`` where
        none waits or all that wait have their share. Its end is told by ``done``."""
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
        """A job of this flow that was taken is over."""
        if self.shares:
            self._count(flow, -1)

    def _fits(self, flow: Flow, free: int) -> bool:
        """Whether one more fits into the share of this flow, and into its host's. One publisher
        must not be what keeps another from the same host."""
        return self._flows[flow] <= free and self._hosts[flow[1]] <= WIDER * free

    def _count(self, flow: Flow, number: int) -> None:
        _add(self._flows, flow, number)
        _add(self._publishers, flow[0], number)
        _add(self._hosts, flow[1], number)


def _add(counter: Counter[K], key: K, number: int) -> None:
    """Without keeping the zeros: hosts come and go."""
    if left := counter[key] + number:
        counter[key] = left
    else:
        del counter[key]
