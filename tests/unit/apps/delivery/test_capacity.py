"""The capacity of a worker process, and one publisher's share of it."""

import threading

import pytest

from apps.delivery.sending.capacity import MESSAGES, Capacity, in_turn
from tests.support.waiting import until


def fill(capacity, *publishers, most=10_000):
    """Claim for these publishers until none gets more; what each holds then."""
    held = dict.fromkeys(publishers, 0)
    for _ in range(most):
        shares = capacity.shares(held)
        if not shares:
            break
        capacity.take(shares)
        for publisher, number in shares.items():
            held[publisher] += number
    return held


def test_one_alone_has_three_quarters():
    capacity = Capacity(100, 400)
    assert fill(capacity, 1) == {1: 300}
    assert capacity.taken == 300


def test_two_have_three_sevenths_each():
    capacity = Capacity(100, 700)
    held = fill(capacity, 1, 2)
    assert sum(held.values()) <= 600
    assert held[1] == held[2] == pytest.approx(300, abs=5)


@pytest.mark.parametrize("many", [1, 2, 5, 20])
def test_who_comes_finds_capacity_however_many_hold_all_they_may(many):
    capacity = Capacity(100, 4000)
    fill(capacity, *range(many))
    assert capacity.wait(0)
    newcomer = capacity.shares({**dict.fromkeys(range(many)), many: None})
    assert newcomer.get(many, 0) >= 1
    assert sum(newcomer.values()) <= 100


def test_a_claim_is_divided_equally():
    capacity = Capacity(100, 4000)
    assert capacity.shares(dict.fromkeys(range(4))) == dict.fromkeys(range(4), 25)
    assert capacity.shares({1: None}) == {1: 100}


def test_each_gets_one_where_there_are_more_publishers_than_a_claim_has_messages():
    assert set(Capacity(10, 4000).shares(dict.fromkeys(range(50))).values()) == {1}


def test_who_holds_all_it_may_leaves_its_part_of_a_claim_unused():
    capacity = Capacity(100, 400)
    fill(capacity, 1)
    assert capacity.shares({1: None}) == {}
    shares = capacity.shares({1: None, 2: None})
    assert shares.keys() == {2} and 1 < shares[2] <= 50


def test_capacity_that_is_given_back_can_be_had_again():
    capacity = Capacity(100, 400)
    for _ in range(50):
        held = fill(capacity, 1, 2)
        assert held[1] > 100 and held[2] > 100
        capacity.give(held)
        assert capacity.taken == 0


def test_who_waits_for_capacity_goes_on_once_some_is_given_back():
    capacity = Capacity(10, 40)
    capacity.take({1: 40})
    assert not capacity.wait(0.01)
    went_on = threading.Event()

    def wait():
        if capacity.wait(10):
            went_on.set()

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: capacity._changed._waiters)  # it waits for some
    assert not went_on.is_set()
    capacity.give({1: 1})
    assert went_on.wait(5)
    thread.join()


def test_a_chunk_with_more_messages_than_recipients_takes_more_capacity():
    """As where recipients have three devices each."""
    capacity = Capacity(10, 40)
    capacity.take({1: 45})
    assert capacity.taken == 45
    assert not capacity.wait(0)
    assert capacity.shares({2: None}) == {}
    capacity.give({1: 45})
    assert capacity.wait(0) and capacity.taken == 0


def test_there_is_capacity_for_some_claims_however_large_they_are():
    assert fill(Capacity(10 * MESSAGES), 1) == {1: 20 * MESSAGES}


def test_who_holds_something_is_given_a_good_part_of_a_claim_or_nothing():
    capacity = Capacity(1000)
    capacity.take({1: 2_200})
    assert capacity.shares({1: None}) == {}
    capacity.give({1: 400})
    assert capacity.shares({1: None}) == {}
    capacity.give({1: 100})
    assert capacity.shares({1: None})[1] >= 500


def test_those_with_large_chunks_take_turns_beside_those_whose_chunk_fits():
    shares = dict.fromkeys(range(1, 6), 20)
    sizes = {1: 1_000, 2: 3, 3: 1_000, 4: 40, 5: 40}
    assert in_turn(shares, sizes, 100, last=0) == [{2: 20, 1: 20}, {3: 20}, {4: 20, 5: 20}]
    assert in_turn(shares, sizes, 100, last=3) == [{2: 20, 4: 20, 5: 20}, {1: 20}, {3: 20}]


def test_a_part_is_no_larger_than_a_claim_however_many_publishers_there_are():
    shares = dict.fromkeys(range(500), 1)
    parts = in_turn(shares, dict.fromkeys(shares, 10), 100, last=0)
    assert [len(part) for part in parts] == [10] * 50
