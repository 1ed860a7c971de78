"""The demo: a scenario on every channel through the public API, and what became of it."""

from stack.demo.play import SETTINGS, SUBSCRIBERS, play

__all__ = ["SETTINGS", "SUBSCRIBERS", "play"]
