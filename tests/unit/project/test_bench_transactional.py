"""Counts and conclusions of the benchmark of single notifications."""

from dataclasses import replace

import pytest

from bench.benchmarks import otp
from bench.benchmarks.otp import Waits
from bench.benchmarks.transactional import FULL
from bench.benchmarks.transactional.report import Run, report
from bench.harness import audience, broker
from bench.harness.meter import Cost
from bench.harness.service import Blast
from bench.harness.singles import SinglesResult, person
from stack.errors import StackError

#: Output of RabbitMQ 3.10, shortened.
OVERVIEW = """#{[{protocol,amqp091}] =>
      #{consumers => 0,messages_confirmed_total => 9,
        messages_received_confirm_total => 40,messages_received_total => 41,
        messages_routed_total => 39},
  [{protocol,mqtt}] => #{messages_received_total => 1},
  [{queue_type,rabbit_classic_queue},{dead_letter_strategy,disabled}] =>
      #{messages_dead_lettered_expired_total => 7}}
"""
QUEUES = """notifier.1.deliver.push.high\t3
notifier.2.deliver.push.high\t50
push.1@vm.notifier.1.pidbox\t100
notifier.1.deliver.push.normal\t0
notifier.1.fanout.low\t2
"""


class Broker:
    def control(self, command: str, *_: str) -> str:
        return {"eval": OVERVIEW, "list_queues": QUEUES}[command]


class Sink:
    def __init__(self, **came: list[float]) -> None:
        self.came = came

    def urgent(self) -> dict[str, list[float]]:
        return self.came


class Service:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink


def posted(rate: float, cpu: float, **others: float) -> SinglesResult:
    costs = {"web": cpu / 2, "push": cpu / 2, "sink": 1_000.0}
    figures = {"published": 0.01, "left": 0, "came": 20_000, **others}
    return SinglesResult(20_000, 20_000 / rate, costs, **figures)


#: Everything as it has to be: the naive way does 300 a second, a blast's delivery costs 150 µs.
TURN = Run(
    blast=Blast(
        200_000, 20, 0.1, {"accepted": 200_000}, 200_000, {"push": Cost(30, 1), "sink": Cost(9, 1)}
    ),
    naive=300.0,
    high=posted(3_000, 600),
    normal=posted(3_300, 450),
    few=100,
    many=109,
    single=posted(750, 2_000),
    p99=100.0,
    alone=Waits([0.01] * 100, [0.1] * 100, 0, 0),
    beside=Waits([0.01] * 100, [0.4] * 100, 0, 0),
)


def failing(*turns: Run) -> list[str]:
    return [bar.what for bar in report(FULL, turns).bars if not bar.holds]


def test_published_messages_are_those_of_every_protocol_and_no_other_counter():
    assert broker.published(Broker()) == 42


def test_messages_left_are_those_of_our_queues():
    assert broker.waiting(Broker(), "notifier.1") == 5


def test_a_broker_without_our_queues_is_no_broker_without_messages(monkeypatch):
    monkeypatch.setitem(globals(), "QUEUES", "deliver.push.high\t3\n")
    with pytest.raises(StackError, match="none of the service's queues"):
        broker.waiting(Broker(), "notifier.1")


def test_those_who_are_posted_to_refuse_nothing_and_are_all_different():
    people = {int(person(number).rpartition("-")[2]) for number in range(FULL.notifications)}
    assert len(people) == FULL.notifications
    assert {number % audience.REFUSES for number in people}.isdisjoint({0, 1})


def test_a_run_in_which_all_is_as_it_has_to_be_holds():
    assert failing(TURN, TURN, TURN) == []


def test_ratios_are_each_runs_own_and_bars_their_medians():
    slow_hour = replace(TURN, naive=100.0, high=posted(1_000, 600), normal=posted(1_000, 450))
    bars = {bar.what: bar.value for bar in report(FULL, [TURN, slow_hour, slow_hour]).bars}
    assert bars["in batches, high: times the naive way"] == pytest.approx(10)
    assert bars["in batches, normal: times the naive way"] == pytest.approx(10)
    assert bars["single: times the naive way"] == pytest.approx(7.5)
    assert bars["… high: CPU of one, times a blast's"] == pytest.approx(4)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"high": posted(2_900, 600)}, "in batches, high: times the naive way"),
        ({"normal": posted(2_900, 450)}, "in batches, normal: times the naive way"),
        ({"high": posted(3_000, 610)}, "… high: CPU of one, times a blast's"),
        ({"normal": posted(3_300, 610)}, "… normal: CPU of one, times a blast's"),
        (
            {"high": posted(3_000, 600, published=0.06)},
            "… high: messages to the broker for each",
        ),
        ({"normal": posted(3_300, 450, left=1)}, "… normal: messages left a second later"),
        ({"many": 111}, "memory of a worker for which 50,000 wait, times 2,000"),
        ({"many": 89}, "memory of a worker for which 50,000 wait, times 2,000"),
        ({"single": posted(740, 2_000)}, "single: times the naive way"),
        ({"alone": Waits([0.0] * 50, [0.26] * 50, 0, 0)}, "one-time passwords alone: p99 seconds"),
        ({"beside": Waits([0.0] * 50, [0.51] * 50, 0, 0)}, "… beside a blast: p99 seconds"),
        ({"beside": Waits([0.0] * 50, [0.1] * 50, 0, 1)}, "… lost"),
        ({"single": posted(750, 2_000, came=20_001)}, "sink's count less those on record"),
    ],
)
def test_each_bar_fails_by_itself(change, what):
    assert failing(replace(TURN, **change)) == [what]


def test_passwords_that_never_come_are_lost_and_the_others_still_count(monkeypatch):
    monkeypatch.setattr(otp, "LOST_AFTER", 0.05)
    meant = {"a": (10.0, 10.1), "b": (11.0, 11.1), "c": (12.0, 12.1)}
    waits = otp._arrived(Service(Sink(a=[10.5], c=[12.25, 12.5])), meant)
    assert waits.came == [0.5, 0.25]
    assert waits.accepted == pytest.approx([0.1, 0.1])
    assert (waits.twice, waits.lost) == (1, 1)
