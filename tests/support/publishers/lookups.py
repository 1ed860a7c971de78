"""Look-ups that this process and Redis keep of rows that another test rolled back.

``fresh_lookups`` is a fixture: a ``conftest.py`` imports it by name.
"""

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from apps.core import cache

REDIS_URL = settings.REDIS_URL  # some tests point the settings elsewhere


def forget_lookups() -> None:
    """Drop every cached look-up, in this process and in Redis."""
    for lookup in cache._lookups.values():
        lookup.forget()
    client = redis.Redis.from_url(REDIS_URL)
    for key in client.scan_iter("notifier:lookup:*", count=1000):
        client.delete(key)
    client.close()


@pytest.fixture(autouse=True)
def fresh_lookups() -> Iterator[None]:
    """No look-up of another test is left, and none of this one remains."""
    forget_lookups()
    yield
    forget_lookups()
