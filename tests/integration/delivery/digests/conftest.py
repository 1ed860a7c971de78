"""Carriers that remember what they took, and a person whom they reach."""

import pytest

from apps.preferences.models import Recipient
from tests.support.deliveries.digests import carriers
from tests.support.publishers.people import recipient

__all__ = ["carriers"]  # a fixture


@pytest.fixture
def ada(shop: object, carriers: None) -> Recipient:
    return recipient("ada", push_android="token-ada", email="ada@example.com")
