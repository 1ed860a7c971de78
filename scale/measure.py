"""Measurement of blasts and single notifications over one, two and more hosts that send."""

from dataclasses import dataclass

from bench.harness import singles
from bench.harness.service import Blast
from bench.harness.singles import SinglesResult
from scale import usage
from scale.lab import EACH, Lab
from scale.usage import Usage


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a measurement.

    ``hosts``: numbers of hosts that send, in order, each measured ``runs`` times. ``blast``:
    subscribers of a blast for each host; ``batched``: notifications through the batch call for each
    host; ``seconds``: for which others are posted one by one.
    """

    hosts: tuple[int, ...]
    runs: int
    blast: int
    batched: int
    seconds: int


FULL = Size((1, 2, 4), 3, 40_000, 4_000, 20)
QUICK = Size((1, 2), 1, 4_000, 1_000, 5)


@dataclass(frozen=True, slots=True)
class Work:
    """The figures of one blast or of singles.

    ``rate``: deliveries per second; ``cores``: used by each host that sends; ``cpu``: microseconds
    for a delivery by process; ``used``: of the servers, for a delivery.
    """

    rate: float
    cores: float
    cpu: dict[str, float]
    used: Usage


@dataclass(frozen=True, slots=True)
class Step:
    """The figures of one number of hosts, in several runs."""

    hosts: int
    blasts: list[Work]
    batched: list[Work]
    posted: list[Work]


def measure(lab: Lab, size: Size) -> list[Step]:
    """Measure each number of hosts, starting more from step to step."""
    on = lab.service
    people = size.batched * max(size.hosts)
    singles.audience(on, people)
    for hosts in size.hosts:
        on.audience(f"scale-{hosts}", size.blast * hosts)
    steps, sending = [], 0
    for hosts in size.hosts:
        for host in lab.senders[sending:hosts]:
            lab.start(host)
        sending = hosts
        singles.post_batches(on, "normal", size.batched * hosts, people)  # warms up all processes
        on.blast(f"scale-{hosts}", size.blast * hosts)
        step = Step(hosts, [], [], [])
        for _ in range(size.runs):
            step.blasts.append(_blast(lab, hosts, size))
            step.batched.append(_batched(lab, hosts, size, people))
            step.posted.append(_posted(lab, hosts, size, people))
            _say(step)
        steps.append(step)
    return steps


def _say(step: Step) -> None:
    rates = [f"{works[-1].rate:,.0f}/s" for works in (step.blasts, step.batched, step.posted)]
    print(f"  {step.hosts} sending: ", end="")
    print("blast {}, singles in batches {}, one by one {}".format(*rates), flush=True)


def _blast(lab: Lab, hosts: int, size: Size) -> Work:
    with usage.measured(lab.service) as used:
        blast: Blast = lab.service.blast(f"scale-{hosts}", size.blast * hosts)
    cpu = {name: blast.cpu(name) for name in blast.costs}
    return Work(blast.rate, _cores(blast.rate, cpu, hosts), cpu, used.each(blast.sent))


def _batched(lab: Lab, hosts: int, size: Size, people: int) -> Work:
    with usage.measured(lab.service) as used:
        posted = singles.post_batches(lab.service, "normal", size.batched * hosts, people)
    return _single(posted, hosts, used)


def _posted(lab: Lab, hosts: int, size: Size, people: int) -> Work:
    with usage.measured(lab.service) as used:
        posted, _ = singles.post_each(lab.service, size.seconds, people)
    return _single(posted, hosts, used)


def _single(posted: SinglesResult, hosts: int, used: Usage) -> Work:
    cores = _cores(posted.rate, posted.cpu, hosts)
    return Work(posted.rate, cores, posted.cpu, used.each(posted.many))


def _cores(rate: float, cpu: dict[str, float], hosts: int) -> float:
    """Return the cores used by each host that sends."""
    return rate * sum(cpu[name] for name in EACH) / 1e6 / hosts
