"""Fixtures of ordering keys: a provider that remembers the order of what it took."""

from tests.support.deliveries.ordered_messages import provider, refusing

__all__ = ["provider", "refusing"]
