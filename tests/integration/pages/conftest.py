"""Fixtures of people's pages: a publisher, its sandbox, and a company of known name."""

import pytest

from apps.preferences import links
from apps.preferences.links import LinkTarget, preferences_url
from tests.support.deliveries.confirmations import ask, offers, outside
from tests.support.deliveries.engine import fresh_engine, work
from tests.support.deliveries.links import promotional
from tests.support.deliveries.sandbox_providers import providers
from tests.support.publishers.lookups import fresh_lookups
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import other_shop, shop

__all__ = ["ask", "fresh_engine", "fresh_lookups", "offers", "other_shop", "outside", "providers"]
__all__ += ["shop", "work"]  # fixtures


@pytest.fixture(autouse=True)
def fresh_limits(db):
    """No page was opened before."""
    from apps.core.cache import ask_redis

    ask_redis(lambda client: [client.delete(key) for key in client.scan_iter("notifier:pages:*")])


@pytest.fixture
def page(shop, outside):
    """The URL of ada's page, who has email, a phone and an inbox."""
    promotional(shop, position=2, description={"en": "Sales and socks."})
    promotional(shop, "security", kind="critical", display_name={"en": "Security"}, position=1)
    person = recipient("ada", email="ada@example.com", sms="+12025550123")
    target = LinkTarget(person.pk, None, shop.id, "email", None, "offers")
    return preferences_url(links.token(target))
