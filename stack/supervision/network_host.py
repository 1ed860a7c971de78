"""The place where a process runs: this machine's loopback interface, or a host of its own."""

from dataclasses import dataclass

from stack.supervision.ports import HOST


@dataclass(frozen=True, slots=True)
class Place:
    """``address``: where processes listen; ``enter``: the prefix of a command to run it there."""

    address: str = HOST
    enter: tuple[str, ...] = ()


HERE = Place()
