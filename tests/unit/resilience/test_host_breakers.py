"""Breakers of hosts hold back calls to hosts that do not answer, and to no others."""

from collections.abc import Mapping

import pytest

from notifier.domain.outcomes import Accepted, Held, Outcome, Reason, Refused, Retry, Unknown
from notifier.resilience import host_breakers
from notifier.resilience.breaker import State, Status
from notifier.resilience.fair_queue import Flow
from notifier.resilience.host_breakers import MOST, RULES, SPREAD, HostBreakers

DOWN, UP = (1, "down.example"), (1, "up.example")
FAILED = Retry(Reason.CONNECTION)
SENT = Accepted(delivered=True)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hosts(clock: Clock) -> HostBreakers:
    return HostBreakers(clock=clock)


def fail(hosts: HostBreakers, flow: Flow = DOWN, times: int = RULES.failures) -> None:
    for _ in range(times):
        hosts.report(flow, FAILED)


def test_a_host_that_fails_again_and_again_is_left_alone_and_no_other(hosts):
    fail(hosts, times=RULES.failures - 1)
    assert hosts.seconds_held(DOWN) is None
    fail(hosts, times=1)
    held = hosts.seconds_held(DOWN)
    assert held is not None
    assert RULES.cooldown <= held <= RULES.cooldown + SPREAD
    assert hosts.seconds_held(UP) is None


def test_another_publishers_messages_to_the_same_host_are_not_held(hosts):
    fail(hosts)
    assert hosts.seconds_held((2, "down.example")) is None


@pytest.mark.parametrize(
    "outcome",
    [
        Retry(Reason.CONNECTION),
        Retry(Reason.PROVIDER_ERROR, status=500),
        Retry(Reason.RATE_LIMITED, status=502),
        Retry(Reason.RATE_LIMITED, status=504),
        Unknown(Reason.TIMEOUT),
        Unknown(Reason.NO_ANSWER),
    ],
)
def test_no_answer_and_an_answer_that_it_cannot_are_failures(hosts, outcome: Outcome):
    for _ in range(RULES.failures):
        hosts.report(DOWN, outcome)
    assert hosts.seconds_held(DOWN) is not None


@pytest.mark.parametrize(
    "outcome",
    [
        SENT,
        Retry(Reason.RATE_LIMITED, status=429),
        Refused(Reason.REJECTED, 404),
        Refused(Reason.DEAD_ADDRESS, 410),
    ],
)
def test_a_host_that_answers_is_called_on_whatever_it_says(hosts, outcome: Outcome):
    fail(hosts, times=RULES.failures - 1)
    hosts.report(DOWN, outcome)
    fail(hosts, times=RULES.failures - 1)
    assert hosts.seconds_held(DOWN) is None


@pytest.mark.parametrize(
    "outcome", [Held(5.0, Reason.RELEASED), Refused(Reason.EXPIRED), Retry(Reason.ENDPOINT_DOWN)]
)
def test_what_was_not_called_says_nothing(hosts, outcome: Outcome):
    fail(hosts, times=RULES.failures - 1)
    hosts.report(DOWN, outcome)
    fail(hosts, times=1)
    assert hosts.seconds_held(DOWN) is not None


def test_one_call_tries_it_again_and_the_others_wait_until_it_is_known(hosts, clock):
    fail(hosts)
    clock.now += RULES.cooldown
    assert hosts.seconds_held(DOWN) is None
    held = hosts.seconds_held(DOWN)
    assert held is not None and held >= RULES.patience
    hosts.report(DOWN, SENT)
    assert hosts.seconds_held(DOWN) is None
    assert hosts.seconds_held(DOWN) is None


def test_one_that_still_fails_is_left_alone_for_twice_as_long_and_ten_minutes_at_last(hosts, clock):
    fail(hosts)
    lasts = RULES.cooldown
    for _ in range(10):
        clock.now += lasts
        assert hosts.seconds_held(DOWN) is None
        hosts.report(DOWN, Unknown(Reason.TIMEOUT))
        lasts = min(2 * lasts, RULES.longest_cooldown)
        held = hosts.seconds_held(DOWN)
        assert held is not None and lasts <= held <= lasts + SPREAD
    assert lasts == 600


def test_hosts_that_answer_are_not_kept_and_no_more_than_a_few_of_the_others(hosts):
    for number in range(MOST + 10):
        hosts.report((1, f"up-{number}.example"), SENT)
    assert not hosts._statuses
    for number in range(MOST + 10):
        hosts.report((1, f"down-{number}.example"), FAILED)
    assert len(hosts._statuses) == MOST
    hosts.report((1, f"down-{MOST}.example"), SENT)


class Store:
    """A shared store of breakers, in memory."""

    def __init__(self) -> None:
        self.told: dict[Flow, Status] = {}

    def exchange(self, changes: Mapping[Flow, Status]) -> Mapping[Flow, Status]:
        self.told |= changes
        return self.told


async def test_what_one_process_finds_out_the_others_know_and_that_it_is_over_too(
    clock, monkeypatch
):
    store = Store()
    first, second = HostBreakers(store, clock=clock), HostBreakers(store, clock=clock)
    fail(first)
    first._exchange_with(store)
    second._exchange_with(store)
    assert second.seconds_held(DOWN) is not None
    clock.now += RULES.cooldown
    assert second.seconds_held(DOWN) is None  # tries it
    second._exchange_with(store)
    first._exchange_with(store)
    assert first.seconds_held(DOWN) is not None  # waits for how that ends
    clock.now += 1
    second.report(DOWN, SENT)
    second._exchange_with(store)
    first._exchange_with(store)
    assert first.seconds_held(DOWN) is None
    assert store.told[DOWN].state is State.CLOSED


async def test_a_store_that_fails_holds_up_nobody(hosts, caplog):
    class Broken:
        def exchange(self, changes: Mapping[Flow, Status]) -> Mapping[Flow, Status]:
            raise ConnectionError

    broken = HostBreakers(Broken())
    fail(broken)
    broken._exchange_with(Broken())
    assert broken.seconds_held(DOWN) is not None
    assert "ConnectionError" in caplog.text
    assert host_breakers.EXCHANGE >= 1
