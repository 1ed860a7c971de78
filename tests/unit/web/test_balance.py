"""How many connections leave a process that has too many."""

import pytest

from notifier.web.balance import PROCESSES, SILENT, Balance


@pytest.mark.parametrize(
    ("counts", "leave"),
    [
        ((8, 8), 0),
        ((9, 7), 2),
        ((12, 4), 8),
        ((2, 0), 2),
        ((1, 0), 0),
        ((12, 0, 0), 12),
        ((6, 5, 5), 0),
        ((105, 95), 0),
        ((120, 80), 40),
    ],
)
def test_so_many_leave_that_all_have_as_many_if_they_go_anywhere(counts, leave):
    balance = Balance()
    for process, busy in reversed(list(enumerate(counts))):
        left = balance.surplus(process, busy, 100.0)
    assert left == leave


def test_nobody_leaves_the_only_process():
    assert Balance().surplus(7, 50, 100.0) == 0


def test_a_process_that_is_gone_has_no_share():
    balance = Balance()
    balance.surplus(1, 0, 100.0)
    assert balance.surplus(2, 50, 100.0 + SILENT / 2) == 50 * 2 // 2
    assert balance.surplus(2, 50, 100.0 + SILENT) == 0


def test_processes_are_numbered_beyond_those_that_share_at_once():
    balance = Balance()
    balance.surplus(PROCESSES + 1, 0, 100.0)
    assert balance.surplus(PROCESSES + 2, 4, 100.0) == 4
