"""Bulk actions on rows that the service itself made."""

from tests.support.deliveries.engine import fresh_engine, later, wake, work
from tests.support.deliveries.sandbox_providers import providers
from tests.support.publishers.admin_actions import onlooker, operator
from tests.support.publishers.shop import other_shop, shop

__all__ = [
    "fresh_engine",
    "later",
    "onlooker",
    "operator",
    "other_shop",
    "providers",
    "shop",
    "wake",
    "work",
]  # fixtures
