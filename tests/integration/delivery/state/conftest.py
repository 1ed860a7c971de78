"""A record of what the signal of moves sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.delivery.state.signals import deliveries_moved


@pytest.fixture
def moves() -> Iterator[list[tuple[int, str]]]:
    """Every move that was published, as (delivery id, new state), in order."""
    said: list[tuple[int, str]] = []

    def listen(sender: object, moves: list[tuple[int, str]], **_: Any) -> None:
        said.extend((delivery_id, str(state)) for delivery_id, state in moves)

    deliveries_moved.connect(listen)
    yield said
    deliveries_moved.disconnect(listen)
