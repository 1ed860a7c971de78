"""The accounts of ``make faults`` find what is lost, doubled or unaccounted for."""

import pytest

from faults.harness import suite
from faults.harness.account import Row, balance
from faults.harness.load import Posted
from faults.harness.report import cells
from faults.harness.trial import Result, Trial
from stack.supervision.process import ROOT


def book(state="accepted", arrived=(10.0,), **posted):
    """The account of one delivery of one notification that arrived at these times."""
    told = posted.pop("called_at", None), posted.pop("no_answer", 0)
    one = Posted("n", posted.pop("kind", "blast"), posted.pop("audience", 1), **posted)
    rows = [Row("dlv_1", "n", state, 5.0, 20.0, 4.0, *told)] if state else []
    entries = [{"delivery_id": "dlv_1", "accepted": True, "at": at} for at in arrived]
    return balance({"n": one}, rows, entries, 100.0)


def test_what_arrived_once_and_says_so_adds_up():
    account = book()
    assert (account.accepted, account.terminal, account.waiting) == (1, 1, 0)
    assert (account.lost, account.duplicates, account.problems) == (0, 0, [])
    assert account.last_change == 20.0


@pytest.mark.parametrize("state", ["accepted", "delivered", "dead", "failed", "expired", ""])
def test_what_never_arrived_is_lost_whatever_the_database_says(state):
    account = book(state, arrived=())
    assert account.lost == 1
    assert account.problems


def test_what_waits_is_not_lost():
    account = book("retrying", arrived=())
    assert (account.waiting, account.lost) == (1, 0)


@pytest.mark.parametrize(("state", "more"), [("cancelled", {}), ("", {}), ("unknown", {})])
def test_what_was_taken_back_need_not_arrive(state, more):
    account = book(state, arrived=(), kind="cancelled", cancelled_at=6.0)
    assert (account.terminal, account.lost, account.problems) == (1, 0, [])


def test_a_second_copy_is_a_duplicate_which_an_answer_that_was_lost_explains():
    for arrived, no_answer, explained in (
        ((10.0, 11.0), 0, 0),
        ((10.0, 11.0), 1, 1),
        ((10.0, 11.0, 12.0), 1, 1),
        ((10.0,), 1, 0),
    ):
        account = book(arrived=arrived, no_answer=no_answer)
        assert (account.duplicates, account.unanswered) == (len(arrived) - 1, explained)


@pytest.mark.parametrize("state", ["expired", "cancelled", "dead", "suppressed"])
def test_a_state_that_the_providers_log_contradicts_is_a_problem(state):
    account = book(state, kind="expiring", expires_at=30.0, cancelled_at=50.0)
    assert account.problems == [f"1 are {state}, and their provider has them"]


def test_a_call_after_the_cancel_was_answered_counts_but_for_what_was_being_sent():
    assert book(kind="cancelled", cancelled_at=9.0).after_cancel == 1
    being_sent = {"kind": "cancelled", "cancelled_at": 9.0, "sending": frozenset({"dlv_1"})}
    assert book(**being_sent).after_cancel == 0
    assert book(arrived=(10.0, 11.0), **being_sent).after_cancel == 1
    claimed_later = {**being_sent, "cancelled_at": 4.5}
    assert book(**claimed_later).after_cancel == 1


def test_a_call_after_expiry_counts():
    assert book(kind="expiring", expires_at=9.9).after_expiry == 0
    assert book(kind="expiring", expires_at=9.0).after_expiry == 1


def test_a_call_that_began_before_the_expiry_may_come_late():
    assert book(kind="expiring", expires_at=9.0, called_at=8.9).after_expiry == 0
    assert book(kind="expiring", expires_at=9.0, called_at=9.1).after_expiry == 1


def test_a_bar_that_is_missed_is_late_and_nothing_that_was_not_held():
    trial = Trial(None, None, seed=1)
    trial.until(lambda: True, 10.0, "it is so")
    assert (trial.problems, trial.late) == ([], [])
    trial.until(lambda: True, -1.0, "it is so")
    assert trial.problems == []
    assert trial.late == ["it is so after 0.0 s, at most -1 s"]


def test_a_row_of_the_table_holds_where_nothing_is_wrong_and_nothing_late():
    [fault, *_] = suite.named([])
    for problems, late, holds in (([], [], True), ([], ["late"], False), (["lost"], [], False)):
        row = Result(fault, book(), 0, 1.0, 2.0, True, problems, late)
        assert row.holds is holds
        assert cells(row)[-1] == ("holds" if holds else "FAILS")


def test_a_delivery_that_nobody_published_is_a_problem():
    one = Posted("n", "blast", 0)
    entries = [{"delivery_id": "dlv_9", "accepted": True, "at": 1.0}]
    assert balance({"n": one}, [], entries, 0.0).problems == [
        "the provider has 1 that nobody published"
    ]


def test_a_delivery_too_many_is_a_problem():
    assert book(audience=0).problems == ["1 deliveries too many of a blast"]


def test_a_codes_wait_is_from_acceptance_until_its_provider_has_it():
    assert book(kind="code").codes == [6.0]


def test_every_fault_is_on_its_page_with_what_it_does_and_a_row_of_the_table():
    page = (ROOT / "docs/faults.md").read_text()
    faults = suite.named([])
    assert faults
    for fault in faults:
        assert f"- `{fault.name}`: {fault.what}\n" in page
        assert f"\n| {fault.name} |" in page


def test_what_the_readme_quotes_of_the_table_stands_in_it():
    page = (ROOT / "docs/faults.md").read_text().splitlines()
    names = tuple(f"| {fault.name} |" for fault in suite.named([]))
    quoted = [
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(names)
    ]
    assert quoted
    assert set(quoted) <= set(page)
