"""Frequency caps over rolling windows, as one process decides them."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.frequency import Cap, Per, Setter, parse_rate, read_label
from notifier.resilience.frequency import Ledger

THREE_A_DAY = Cap(Setter.COMPANY, "", 3, Per.DAY)
ONE_OFFER_AN_HOUR = Cap(Setter.CATEGORY, "offers", 1, Per.HOUR)
HOUR, DAY = Per.HOUR.seconds, Per.DAY.seconds


def test_what_exceeds_a_cap_is_refused_until_the_window_has_passed():
    ledger = Ledger()
    for number in range(3):
        assert ledger.take(f"n{number}", [THREE_A_DAY], number * HOUR) is None
    assert ledger.take("n3", [THREE_A_DAY], DAY - 1) == THREE_A_DAY
    assert ledger.take("n3", [THREE_A_DAY], DAY) is None, "the first one is a day ago"
    assert ledger.take("n4", [THREE_A_DAY], DAY) == THREE_A_DAY


def test_what_is_taken_again_counts_once_and_from_then_on():
    ledger = Ledger()
    once = Cap(Setter.COMPANY, "", 1, Per.HOUR)
    for at in (0, 10, HOUR - 1):
        assert ledger.take("retried", [once], at) is None
    assert ledger.take("next", [once], HOUR + 10) == once
    assert ledger.take("next", [once], 2 * HOUR - 1) is None


def test_each_cap_counts_its_own_and_what_one_refuses_counts_for_none():
    ledger = Ledger()
    both = [THREE_A_DAY, ONE_OFFER_AN_HOUR]
    assert ledger.take("offer", both, 0) is None
    for number in range(5):
        assert ledger.take(f"offer {number}", both, 1) == ONE_OFFER_AN_HOUR
    assert ledger.take("order 1", [THREE_A_DAY], 2) is None
    assert ledger.take("order 2", [THREE_A_DAY], 2) is None
    assert ledger.take("order 3", [THREE_A_DAY], 2) == THREE_A_DAY


def test_a_limit_of_none_lets_nothing_through():
    none = Cap(Setter.PERSON, "", 0, Per.WEEK)
    assert Ledger().take("n", [none], 0) == none


caps = st.builds(
    Cap,
    st.sampled_from(Setter),
    st.sampled_from(["", "offers", "orders"]),
    st.integers(0, 4),
    st.sampled_from(Per),
)
#: Steps: seconds until the next one, a notification, its category; or the ledger is lost and read
#: anew from what was written down, as when Redis goes or comes back.
steps = st.lists(
    st.tuples(
        st.integers(0, 40_000),
        st.integers(0, 12),
        st.sampled_from(["offers", "orders", "other"]),
        st.booleans(),
    ),
    max_size=60,
)


@given(st.lists(caps, min_size=1, max_size=4), steps)
def test_no_window_ever_has_more_than_its_cap_and_nothing_counts_twice(all_caps, todo):
    ledger, now = Ledger(), 0.0
    #: When each notification was last let through, by id, with its category; its last time counts,
    #: since until then nothing of it was there to be read.
    sent: dict[str, tuple[float, str]] = {}
    moments: list[tuple[float, str, str]] = []
    for gap, number, category, lost in todo:
        now += gap
        if lost:
            counters: dict[str, dict[str, float]] = {"": {}}
            for name, (at, of) in sent.items():
                counters[""][name] = at
                counters.setdefault(of, {})[name] = at
            ledger = Ledger(counters)
        name = f"{category} {number}"
        held = [cap for cap in all_caps if cap.category in ("", category)]
        exceeded = ledger.take(name, held, now)
        if exceeded is None:
            sent[name] = (now, category)
            moments.append((now, name, category))
        else:
            others = {
                other
                for other, (at, of) in sent.items()
                if at > now - exceeded.per.seconds
                and other != name
                and exceeded.category in ("", of)
            }
            assert len(others) >= exceeded.limit, "refused though there was room"
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(moments))
    for cap in all_caps:
        for end, _, of in moments:
            if cap.category not in ("", of):
                continue
            # Of what was let through several times only the last one before the end counts.
            window = Counter(
                name
                for at, name, category in moments
                if end - cap.per.seconds < at <= end and cap.category in ("", category)
            )
            assert len(window) <= cap.limit, f"{cap} at {end}"


@pytest.mark.parametrize("cap", [THREE_A_DAY, ONE_OFFER_AN_HOUR])
def test_a_label_is_read_as_it_was_written_and_fits_its_column(cap):
    assert read_label(cap.label) == (cap.setter, cap.limit, cap.per)
    assert len(Cap(Setter.PERSON_CATEGORY, "x" * 100, 1000, Per.HOUR).label) <= 40


@pytest.mark.parametrize("text", ["", "3", "3/year", "x/day", "-1/day", "1001/day", "3/"])
def test_a_rate_that_is_none_is_refused(text):
    with pytest.raises(ValueError):
        parse_rate(text)
