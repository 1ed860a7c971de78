"""Operators who see and press what is held."""

from tests.support.publishers.admin_actions import onlooker, operator

__all__ = ["onlooker", "operator"]  # fixtures
