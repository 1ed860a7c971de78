"""A scripted provider of the inbox, and a record of what the signal of moves sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.delivery.state.signals import deliveries_moved
from tests.support.fakes.scripted_provider import Scripted


@pytest.fixture
def scripted_inbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send to the inbox through ``Scripted``, which has no calls yet."""
    path = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {"inbox": {"class": path, "channel": "inbox"}}
    monkeypatch.setattr("apps.delivery.sending.runtime._own", dict)
    monkeypatch.setattr(Scripted, "calls", [])


@pytest.fixture
def moves() -> Iterator[list[tuple[int, str]]]:
    """Every move that was published, as (delivery id, new state), in order."""
    said: list[tuple[int, str]] = []

    def listen(sender: object, moves: list[tuple[int, str]], **_: Any) -> None:
        said.extend((delivery_id, str(state)) for delivery_id, state in moves)

    deliveries_moved.connect(listen)
    yield said
    deliveries_moved.disconnect(listen)
