"""The admin over HTTP, on rows that the service itself made."""

from tests.support.deliveries.engine import fresh_engine, wake, work
from tests.support.deliveries.sandbox_providers import providers
from tests.support.publishers.admin_actions import onlooker, operator
from tests.support.publishers.shop import other_shop, shop

__all__ = [
    "fresh_engine",
    "onlooker",
    "operator",
    "other_shop",
    "providers",
    "shop",
    "wake",
    "work",
]  # fixtures
