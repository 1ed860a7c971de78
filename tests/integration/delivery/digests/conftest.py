"""Carriers that remember what they took, and a person whom they reach."""

from collections.abc import Iterator

import pytest

from apps.core.cache import ask_redis
from apps.preferences.digests import choices
from apps.preferences.models import Recipient
from tests.support.deliveries.digests import carriers
from tests.support.publishers.people import recipient

__all__ = ["carriers"]  # a fixture


@pytest.fixture(autouse=True)
def fresh_choices(transactional_db: None) -> Iterator[None]:
    """Forget after a test who has asked for digests."""
    yield
    ask_redis(lambda client: client.flushall())
    choices._known.forget()


@pytest.fixture
def ada(shop: object, carriers: None) -> Recipient:
    return recipient("ada", push_android="token-ada", email="ada@example.com")
