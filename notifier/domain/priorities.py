"""Priorities. Each has queues and workers of its own."""

from enum import StrEnum


class Priority(StrEnum):
    """The priority of a notification."""

    HIGH = "high"  # one-time passwords, security notices: never waits behind anything else
    NORMAL = "normal"
    LOW = "low"  # newsletters, marketing
