"""The demo: a scenario on every channel through the public API, and what became of it."""

from stack.demo.play import LEAST_SUBSCRIBERS, SETTINGS, SUBSCRIBERS, play

__all__ = ["LEAST_SUBSCRIBERS", "SETTINGS", "SUBSCRIBERS", "play"]
