import time

import pytest

from apps.core import clock


@pytest.fixture(autouse=True)
def _right_again():
    yield
    clock.synchronize(time.time())


@pytest.mark.parametrize("off", [600.0, -600.0])
def test_a_machine_whose_clock_is_wrong_reckons_by_the_databases(off):
    clock.synchronize(time.time() + off)
    assert clock.now() == pytest.approx(time.time() + off, abs=1)
    due = clock.now() + 5
    assert clock.to_local(due) == pytest.approx(time.time() + 5, abs=1)
    assert clock.to_shared(clock.to_local(due)) == pytest.approx(due)


def test_the_time_an_answer_takes_is_no_difference():
    clock.synchronize(time.time() - 0.4)
    assert clock.now() == pytest.approx(time.time(), abs=0.1)


def test_a_clock_that_is_set_right_is_believed_again(caplog):
    clock.synchronize(time.time() + 600)
    clock.synchronize(time.time() + 600)
    clock.synchronize(time.time())
    assert clock.now() == pytest.approx(time.time(), abs=0.1)
    off = [record.getMessage() for record in caplog.records]
    assert off == [
        "this machine's clock is -600 s off the database's",
        "this machine's clock is +0 s off the database's",
    ]
