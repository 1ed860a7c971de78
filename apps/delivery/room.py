"""How much a worker process holds at once: what is beyond that waits in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Full chunks: one that is claimed, one that is sent and one that is written down. A thread more
#: than that would only hold messages in memory.
CHUNKS = 3
#: A full chunk's room, in whole numbers: sums of fractions would drift.
FULL = 1_000_000


class Room:
    """Room for so many full chunks, which threads wait for before they claim one."""

    def __init__(self, chunks: int = CHUNKS) -> None:
        self._left = chunks * FULL
        self._changed = threading.Condition()  # whose lock may be taken again

    @contextmanager
    def reserved(self) -> Iterator[Callable[[float], None]]:
        """Wait for the room that a full chunk takes, and have it until the end of the block.

        Gives what to call with the part of a full chunk that it is, or that is left of it. Called
        after the end, as by a message that was under way when its chunk was given up, it does
        nothing.
        """
        taken = 0
        ended = False

        def take(share: float) -> None:
            nonlocal taken
            room = round(share * FULL)
            with self._changed:
                if ended:
                    return
                self._left += taken - room
                taken = room
                if self._left >= FULL:  # one wakes, and the next one, if there is room for it, too
                    self._changed.notify()

        with self._changed:
            self._changed.wait_for(lambda: self._left >= FULL)
            take(1.0)
        try:
            yield take
        finally:
            with self._changed:
                take(0.0)
                ended = True
