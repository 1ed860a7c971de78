"""Where a process runs: on this machine's loopback interface, or on a host of its own."""

from dataclasses import dataclass

from stack.supervision.ports import HOST


@dataclass(frozen=True, slots=True)
class Place:
    """``address``: what it listens at; ``enter``: what to put before a command to run it there."""

    address: str = HOST
    enter: tuple[str, ...] = ()


HERE = Place()
