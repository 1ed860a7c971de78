"""The database's clock (``apps.core.clock``), by the name the engine knows it by."""

from apps.core.clock import heard, look, moment, now, ours, shared

__all__ = ["heard", "look", "moment", "now", "ours", "shared"]
