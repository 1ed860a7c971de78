"""Fixtures of subscriptions that require confirmation."""

from tests.support.deliveries.confirmations import ask, offers, outside

__all__ = ["ask", "offers", "outside"]
