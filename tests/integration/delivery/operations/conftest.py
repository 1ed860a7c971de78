"""Fixtures of subscriptions that require confirmation."""

from tests.support.confirmations import ask, offers, outside

__all__ = ["ask", "offers", "outside"]
