"""The demo: a scenario on every channel through the public API, and a report of its outcome.

In: a running stack and its sandbox. Out: printed lines, and an exit code. Imported by
``stack.__main__`` and tests.
"""

from stack.demo.play import LEAST_SUBSCRIBERS, SETTINGS, SUBSCRIBERS, play

__all__ = ["LEAST_SUBSCRIBERS", "SETTINGS", "SUBSCRIBERS", "play"]
