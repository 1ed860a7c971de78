"""The three priorities. Each has queues and workers of its own."""

from enum import StrEnum


class Priority(StrEnum):
    HIGH = "high"  # one-time passwords, security notices: never waits behind anything else
    NORMAL = "normal"
    LOW = "low"  # newsletters, marketing
