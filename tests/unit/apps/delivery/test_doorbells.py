"""The thread that rings: what goes out when, and what it survives. No broker is needed."""

import queue
import threading
import time
from types import SimpleNamespace

import pytest

from apps.delivery.outbox import doorbells
from apps.delivery.outbox.queues import Queue

HIGH, NORMAL, LOW = (Queue("sms", priority) for priority in ("high", "normal", "low"))
OTHER = Queue("push", "high")
PATIENCE = 60


class Clock(threading.Condition):
    """A clock that only moves when it is set, or when somebody waits by it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.waits: list[float | None] = []

    def wait(self, timeout=None):
        assert timeout is not None, "nothing would ever wake it"
        self.waits.append(timeout)
        self.now += timeout
        return False


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(doorbells, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def ringer(clock):
    """A ringer by that clock, whose thread does not run."""
    ringer = doorbells._Ringer()
    ringer._changed = clock
    return ringer


def test_each_queue_rings_at_once_and_again_after_its_spacing(ringer, clock):
    ringer.ring([LOW, NORMAL, HIGH])
    assert ringer._due() == [HIGH, NORMAL, LOW], "urgent ones first"
    ringer.ring([LOW, NORMAL, HIGH, OTHER])
    clock.now = 1000.01
    assert ringer._due() == [OTHER]
    clock.now = 1000.03
    assert ringer._due() == [HIGH]
    ringer.ring([OTHER])
    clock.now = 1000.19
    assert ringer._due() == [OTHER]
    clock.now = 1000.21
    assert sorted(ringer._due()) == [LOW, NORMAL]
    assert clock.waits == []


def test_it_sleeps_until_the_first_of_those_that_wait_may_ring(ringer, clock):
    ringer.ring([NORMAL, HIGH])
    ringer._due()
    ringer.ring([NORMAL, HIGH])
    assert ringer._due() == [HIGH]
    assert ringer._due() == [NORMAL]
    assert clock.waits == pytest.approx([0.02, 0.18])


def test_what_has_rung_does_not_ring_again_by_itself(ringer):
    ringer.ring([NORMAL])
    assert ringer._due() == [NORMAL]
    with pytest.raises(AssertionError, match="nothing would ever wake it"):
        ringer._due()


@pytest.fixture
def published(monkeypatch):
    """The doorbells that go out, in order; no thread rings yet."""
    found = queue.Queue()
    monkeypatch.setattr(doorbells, "_publish", lambda queues: [found.put(one) for one in queues])
    monkeypatch.setattr(doorbells, "_ringer", None)
    return found


def test_one_thread_rings_that_no_process_waits_for_at_its_end(published):
    threads = []
    for one in (HIGH, NORMAL, LOW):
        doorbells.ring([one])
        assert published.get(timeout=PATIENCE) == one
        threads.append(doorbells._ringer)
    assert len(set(threads)) == 1
    assert threads[0].daemon


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_replaced(published, monkeypatch):
    def end(queues):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(doorbells, "_publish", end)
        doorbells.ring([HIGH])
        doorbells._ringer.join(PATIENCE)
        assert not doorbells._ringer.is_alive()
    doorbells.ring([HIGH])
    assert published.get(timeout=PATIENCE) == HIGH


def test_after_a_failure_it_pauses_for_a_second_and_goes_on(published, monkeypatch):
    publish, failures, slept = doorbells._publish, [OSError("no broker")], []

    def fail_once(queues):
        if failures:
            raise failures.pop()
        publish(queues)

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=slept.append)
    monkeypatch.setattr(doorbells, "time", clock)
    monkeypatch.setattr(doorbells, "_publish", fail_once)
    doorbells.ring([HIGH])
    while failures:
        time.sleep(0.01)
    doorbells.ring([NORMAL])
    assert published.get(timeout=PATIENCE) == NORMAL, "the lost one is found by polling"
    assert slept == [1.0]
