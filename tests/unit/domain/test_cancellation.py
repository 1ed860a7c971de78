"""Stop signals: why a message that waits in a worker must not be sent."""

import time

import pytest

from notifier.domain.cancellation import LOOK_AGAIN, CancellationView, StopSignal
from notifier.domain.outcomes import Held, Reason

CANCELLED = Held(0.0, Reason.CANCELLED)
PAUSED = Held(0.0, Reason.PROVIDER_PAUSED)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    """A monotonic clock that stands still."""
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    return 50.0


def test_a_message_that_nothing_stops_is_sent() -> None:
    assert StopSignal().stops("fcm") is None


def test_what_stops_all_stops_every_provider() -> None:
    signal = StopSignal(all=CANCELLED)
    assert signal.stops("fcm") == signal.stops("apns") == CANCELLED


def test_what_stops_one_provider_stops_no_other() -> None:
    signal = StopSignal(at={"fcm": PAUSED})
    assert signal.stops("fcm") == PAUSED
    assert signal.stops("apns") is None


def test_a_cancellation_is_why_even_where_the_provider_is_paused() -> None:
    assert StopSignal(all=CANCELLED, at={"fcm": PAUSED}).stops("fcm") == CANCELLED


@pytest.mark.parametrize(("until", "seen"), [(50.0, 0.0), (0.0, 50.0), (51.0, 51.0)])
def test_a_message_is_sent_while_cancellations_are_known(
    now: float, until: float, seen: float
) -> None:
    assert StopSignal(until=until, sight=CancellationView(seen)).stops("fcm") is None


def test_a_message_waits_a_second_once_cancellations_are_not_known(now: float) -> None:
    before = time.time()
    held = StopSignal(until=49.9, sight=CancellationView(49.9)).stops("fcm")
    assert held is not None and held.reason == Reason.UNCONFIRMED
    assert before + 1 <= held.until <= time.time() + 1
    assert LOOK_AGAIN == 1


def test_a_signal_that_was_never_confirmed_stops_what_has_to_be(now: float) -> None:
    assert StopSignal(sight=CancellationView()).stops("fcm") is not None


def test_what_stops_a_message_does_so_without_a_confirmation_too(now: float) -> None:
    signal = StopSignal(at={"fcm": PAUSED}, sight=CancellationView())
    assert signal.stops("fcm") == PAUSED
