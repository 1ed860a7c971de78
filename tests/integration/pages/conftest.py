"""Fixtures of people's pages: a publisher, its sandbox, and a company of known name."""

import pytest

from tests.support.deliveries.confirmations import ask, offers, outside
from tests.support.deliveries.engine import fresh_engine, work
from tests.support.deliveries.sandbox_providers import providers
from tests.support.publishers.lookups import fresh_lookups
from tests.support.publishers.shop import other_shop, shop

__all__ = ["ask", "fresh_engine", "fresh_lookups", "offers", "other_shop", "outside", "providers"]
__all__ += ["shop", "work"]  # fixtures


@pytest.fixture(autouse=True)
def fresh_limits(db):
    """No page was opened before."""
    from apps.core.cache import ask_redis

    ask_redis(lambda client: [client.delete(key) for key in client.scan_iter("notifier:pages:*")])
