"""A breaker's moves, on a clock of the test's own."""

import random

import pytest

from notifier.domain.outcomes import Accepted, Held, Reason, Refused, Retry, Unknown
from notifier.resilience import dead_addresses
from notifier.resilience.breaker import (
    BELIEVED,
    PROBE_WAIT,
    Allowance,
    Breaker,
    LocalStore,
    Rules,
    State,
    Status,
    Tally,
    tally,
)

RULES = Rules(
    failures=3,
    share=0.5,
    calls=10,
    window=30.0,
    cooldown=5.0,
    longest_cooldown=12.0,
    probes=2,
    patience=20.0,
)
GOOD, BAD = Tally(1, 0, 0), Tally(1, 1, 1)
MIXED = Tally(2, 1, 0)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return LocalStore()


@pytest.fixture
def breaker(store, clock):
    return Breaker("twilio", RULES, store, clock)


def state(breaker):
    return breaker.status().state


def opened(breaker):
    for _ in range(3):
        breaker.report(BAD)
    assert state(breaker) is State.OPEN


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([Accepted(), Accepted()], Tally(2, 0, 0)),
        ([Retry(Reason.PROVIDER_ERROR), Retry(Reason.CONNECTION)], Tally(2, 2, 2)),
        ([Unknown(Reason.TIMEOUT), Accepted(), Unknown(Reason.NO_ANSWER)], Tally(3, 2, 1)),
        # A refusal for the message's fault and a request to slow down are answers, too.
        ([Refused(Reason.DEAD_ADDRESS), Retry(Reason.RATE_LIMITED)], Tally(2, 0, 0)),
        ([Refused(Reason.AUTHENTICATION), Refused(Reason.TOO_LARGE)], Tally(2, 0, 0)),
        # And here nobody was called.
        ([Retry(Reason.INTERNAL), Refused(Reason.EXPIRED), Refused(Reason.NO_PROVIDER)], Tally()),
        ([Held(5.0, Reason.PROVIDER_DOWN)], Tally()),
    ],
)
def test_only_the_providers_own_faults_are_failures(outcomes, said):
    assert tally(outcomes) == said


def test_failures_in_a_row_open_it(breaker):
    breaker.report(BAD)
    breaker.report(BAD)
    assert breaker.allowance() is None
    breaker.report(BAD)
    assert breaker.allowance() == Allowance(0, 1005.0)
    assert breaker.status().why == "3 calls in a row failed"


def test_a_success_between_them_starts_the_count_anew(breaker):
    for _ in range(4):
        for calls in (GOOD, GOOD, GOOD, BAD, BAD):
            breaker.report(calls)
    assert state(breaker) is State.CLOSED


def test_a_share_of_failures_opens_it_once_there_were_enough_calls(breaker):
    for _ in range(4):
        breaker.report(MIXED)
    assert state(breaker) is State.CLOSED
    breaker.report(MIXED)
    assert breaker.status().why == "5 of 10 calls failed"


def test_failures_long_ago_do_not_count_for_the_share(breaker, clock):
    for _ in range(4):
        breaker.report(MIXED)
    clock.now += RULES.window
    breaker.report(MIXED)
    assert state(breaker) is State.CLOSED


def test_after_the_cooldown_a_few_go_through_and_a_success_closes_it(breaker, clock):
    opened(breaker)
    clock.now += 4.9
    assert breaker.allowance() == Allowance(0, 1005.0)
    clock.now += 0.2
    assert breaker.allowance() == Allowance(RULES.probes, clock.now + PROBE_WAIT)
    assert breaker.allowance() == Allowance(0, clock.now + PROBE_WAIT), "the probes are under way"
    assert breaker.shut()
    breaker.report(GOOD)
    assert breaker.allowance() is None
    assert state(breaker) is State.CLOSED and not breaker.shut()


def test_an_open_one_is_half_open_when_its_time_is_over_though_nobody_asks(breaker, clock):
    opened(breaker)
    clock.now += 4.9
    assert state(breaker) is State.OPEN
    clock.now += 0.2
    assert breaker.status() == Status(State.HALF_OPEN, 1005.0, breaker.status().why, cooldown=5.0)
    clock.now += 3600.0
    assert state(breaker) is State.HALF_OPEN
    assert not breaker.shut()
    assert breaker.allowance() == Allowance(2, clock.now + PROBE_WAIT), "reading uses no probe up"


def test_each_failed_probing_doubles_the_cooldown_up_to_its_limit(breaker, clock):
    opened(breaker)
    for longer in (10.0, 12.0, 12.0):
        clock.now = breaker.allowance().until
        assert breaker.allowance().capacity == RULES.probes
        breaker.report(MIXED)
        assert breaker.allowance() == Allowance(0, clock.now + longer)


def test_what_began_before_it_opened_changes_nothing(breaker):
    opened(breaker)
    breaker.report(GOOD)
    assert state(breaker) is State.OPEN


def test_probes_without_an_outcome_are_sent_anew(breaker, clock):
    opened(breaker)
    clock.now += 5
    assert breaker.allowance().capacity == RULES.probes
    clock.now += RULES.patience - 0.1
    assert breaker.allowance().capacity == 0
    clock.now += 0.2
    assert breaker.allowance().capacity == RULES.probes


def test_an_operator_closes_it(breaker):
    opened(breaker)
    breaker.close("an operator closed it")
    assert breaker.allowance() is None
    breaker.report(BAD)
    assert state(breaker) is State.CLOSED


def test_an_operator_closes_it_however_often_others_move_it_meanwhile(clock):
    class Contended(LocalStore):
        """Another process changes the state between each of the first reads and its update."""

        moves = 0

        def swap(self, name, expected, new):
            if new != expected and self.moves < 50:
                self.moves += 1
                other = Status(State.OPEN, clock.now, f"move {self.moves}").encode()
                super().swap(name, expected, other)
                return False, other
            return super().swap(name, expected, new)

    breaker = Breaker("twilio", RULES, Contended(), clock)
    breaker.close("an operator closed it")
    assert state(breaker) is State.CLOSED
    assert breaker.status().why == "an operator closed it"


def test_what_one_process_learns_all_know(store, clock):
    one, two = (Breaker("twilio", RULES, store, clock) for _ in range(2))
    assert two.allowance() is None
    for breaker in (one, two, one):
        breaker.report(BAD)
    clock.now += BELIEVED
    assert two.allowance() == Allowance(0, 1005.0)
    clock.now = 1005.0
    allowed = [one.allowance().capacity, two.allowance().capacity]
    assert allowed == [RULES.probes, 0], "the probes are not doubled"
    two.report(GOOD)
    clock.now += BELIEVED
    assert one.allowance() is None


def test_a_closed_breaker_does_not_ask_its_store_for_every_chunk(clock):
    class Counting(LocalStore):
        swaps = 0

        def swap(self, *arguments):
            self.swaps += 1
            return super().swap(*arguments)

    store = Counting()
    breaker = Breaker("fcm", RULES, store, clock)
    for _ in range(100):
        breaker.allowance()
        breaker.report(Tally(500))
        clock.now += 0.01
    assert store.swaps <= 4
    clock.now += BELIEVED
    breaker.report(Tally(500))
    assert Status.decode(next(iter(store._values.values()))).calls >= 50_000


def test_a_change_that_others_overtake_is_made_on_what_they_left(clock):
    class Busy(LocalStore):
        """Another process counts a failure between our read and our update, twice."""

        others = 2

        def swap(self, name, expected, new):
            if self.others and new != expected:
                self.others -= 1
                there = Status.decode(self._values.get(name, b"")).after(BAD, clock.now, RULES)
                self._values[name] = there.encode()
            return super().swap(name, expected, new)

    breaker = Breaker("fcm", RULES, Busy(), clock)
    breaker.report(BAD)
    assert breaker.status().why == "3 calls in a row failed"


def test_a_standing_of_another_release_is_a_fresh_one():
    for packed in (b"", b"[]", b'["ajar", 1]', b"{}", b'["open",1,2,3,4,5,6,7,8,9]'):
        assert Status.decode(packed) == Status()
    status = Status(State.OPEN, 5.0, "why", cooldown=3.0)
    assert Status.decode(status.encode()) == status


# -- A breaker that counts addresses ----------------------------------------------------------

ADDRESSES = Rules(failures=20, share=0.5, calls=50, window=60.0, probe_share=0.5, what="addresses")
DEAD = Refused(Reason.DEAD_ADDRESS, disable_contact=True)


def test_what_calls_say_of_addresses_is_counted_and_nothing_else():
    outcomes = [
        Accepted(),
        DEAD,
        Refused(Reason.INVALID_ADDRESS, disable_contact=True),
        Refused(Reason.OPTED_OUT, disable_contact=True),  # people said so
        Refused(Reason.SENDER_REFUSED),
        Retry(Reason.PROVIDER_ERROR),
        Unknown(),
        Held(0.0, Reason.THROTTLED),
    ]
    assert dead_addresses.tally(outcomes) == Tally(3, 2, 2)
    assert dead_addresses.tally([DEAD, Accepted(), DEAD]) == Tally(3, 2, 1)
    assert dead_addresses.as_our_fault(DEAD) == Refused(Reason.MANY_DEAD_ADDRESSES)
    assert [dead_addresses.as_our_fault(one) for one in outcomes[3:]] == outcomes[3:]


@pytest.mark.parametrize("share", [0.03, 0.1, 0.2, 0.3])
def test_an_old_list_is_believed(share, clock):
    rng = random.Random(7)
    for _ in range(20):
        status = Status()
        for _ in range(200):
            clock.now += 0.3
            outcomes = [DEAD if rng.random() < share else Accepted() for _ in range(50)]
            status = status.after(dead_addresses.tally(outcomes), clock.now, ADDRESSES)
            assert status.state is State.CLOSED


@pytest.mark.parametrize("sizes", [[60], [10] * 6, [1] * 60, [25, 35], [3] * 20])
def test_a_flood_is_not_believed_however_it_comes(sizes, clock):
    status = Status().after(Tally(100, 4, 0), clock.now, ADDRESSES)
    seen = 0
    for size in sizes:
        clock.now += 3.0
        status = status.after(Tally(size, size, size), clock.now, ADDRESSES)
        seen += size
        if status.state is State.OPEN:
            break
    assert status.state is State.OPEN
    assert seen <= max(20 + max(sizes), 25)
    assert status.began <= 1000.0 + 3.0, "it began with the first of them"


def test_half_of_a_minutes_addresses_are_too_many(clock):
    status = Status().after(Tally(60, 31, 1), clock.now, ADDRESSES)
    assert status.state is State.OPEN
    assert status.why == "31 of 60 addresses failed"


def test_one_dead_probe_among_good_ones_closes_it_and_most_of_them_do_not(clock):
    opened = Status(State.OPEN, clock.now, cooldown=5.0, began=900.0)
    half, _ = opened.asked(clock.now + 6, ADDRESSES)
    assert half.after(Tally(5, 1, 0), clock.now + 7, ADDRESSES).state is State.CLOSED
    again = half.after(Tally(5, 4, 2), clock.now + 7, ADDRESSES)
    assert (again.state, again.began, again.cooldown) == (State.OPEN, 900.0, 10.0)


def test_while_it_is_believed_nothing_is_counted(breaker, clock):
    breaker.close("an operator believed it", 60.0)
    for _ in range(50):
        breaker.report(BAD)
    assert state(breaker) is State.CLOSED
    clock.now += 61
    opened(breaker)
    assert state(breaker) is State.OPEN
