"""How long what is paused waits until it is looked at again."""

import pytest

from apps.core import clock
from apps.delivery.state import deferral


@pytest.mark.parametrize(
    ("since", "seconds"), [(1000, 5), (996, 5), (994, 6), (941, 59), (939, 60), (0, 60)]
)
def test_a_pause_is_waited_for_as_long_as_it_has_lasted_from_five_seconds_to_a_minute(
    monkeypatch, since, seconds
):
    monkeypatch.setattr(clock, "now", lambda: 1000.0)
    assert deferral.seconds(since) == seconds
