"""Carriers that accept everything, and a person whom they reach on every channel."""

import pytest

from apps.preferences.models import Recipient
from tests.support.deliveries.quiet_hours import carriers
from tests.support.publishers.people import recipient

__all__ = ["carriers"]  # a fixture


@pytest.fixture
def ada(shop: object, carriers: None) -> Recipient:
    return recipient("ada", push_android="token-ada", sms="+436601234567", email="ada@example.com")
