"""Whether every thread that has work still comes round."""

import threading
import time
from collections.abc import Iterator

import pytest

from apps.core.processes import progress


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(progress, "LONGEST", 0.2)
    monkeypatch.setattr(progress, "_turns", {})
    yield


def wait() -> None:
    """Wait longer than a turn may take."""
    time.sleep(0.3)


def test_a_thread_that_does_nothing_more_is_stuck_until_it_goes_on():
    progress.turn("record")
    assert progress.stuck() == {}
    wait()
    assert progress.stuck().keys() == {"record"}
    progress.step()
    assert progress.stuck() == {}


def test_a_thread_that_has_nothing_to_do_is_not_stuck():
    progress.turn("record")
    progress.rest()
    wait()
    assert progress.stuck() == {}
    progress.step()  # of a thread that is in no turn
    wait()
    assert progress.stuck() == {}


def test_each_thread_has_a_turn_of_its_own():
    blocked = threading.Event()
    other = threading.Thread(target=lambda: (progress.turn("other"), blocked.wait()), daemon=True)
    other.start()
    wait()
    progress.turn("mine")
    assert progress.stuck().keys() == {"other"}
    blocked.set()
    other.join()


def test_what_runs_in_several_threads_has_a_turn_by_its_name():
    progress.turn(of="event-loop")
    assert progress.is_in_turn("event-loop")
    wait()
    assert progress.stuck().keys() == {"event-loop"}
    other = threading.Thread(target=lambda: progress.rest(of="event-loop"))
    other.start()
    other.join()
    assert progress.stuck() == {} and not progress.is_in_turn("event-loop")
