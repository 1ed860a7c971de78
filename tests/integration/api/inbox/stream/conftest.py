"""Fixtures of the stream: a running one, and tokens."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.inboxes import SECRET
from tests.support.publishers.streams import StreamServer, streaming


@pytest.fixture
def stream(transactional_db: None, trusted: Any) -> Iterator[StreamServer]:
    """A running stream."""
    with streaming() as server:
        yield server


@pytest.fixture
def token() -> Callable[..., str]:
    """Make a person's token."""
    return lambda user_id, **claims: sign(lasting({"sub": user_id, **claims}), SECRET)
