"""How much a worker process holds at once: what is beyond that waits in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Three full chunks of the usual size: one that is claimed, one that is sent and one that is
#: written down. A thread more than that would only hold messages in memory.
MESSAGES = 3_000


class Room:
    """Room for so many messages, which threads wait for before they claim a chunk of up to
    ``chunk`` of them."""

    def __init__(self, chunk: int, messages: int = MESSAGES) -> None:
        self._chunk = chunk
        self._left = max(messages, chunk)  # or none could ever be claimed
        self._changed = threading.Condition()  # whose lock may be taken again

    @contextmanager
    def reserved(self) -> Iterator[Callable[[int], None]]:
        """Wait for the room that a full chunk takes, and have it until the end of the block.

        Gives what to call with how many messages it has, or has left. Called after the end, as by
        a message that was under way when its chunk was given up, it does nothing.
        """
        taken = 0
        ended = False

        def take(messages: int) -> None:
            nonlocal taken
            with self._changed:
                if ended:
                    return
                self._left += taken - messages
                taken = messages
                if self._fits():  # one wakes, and the next one, if there is room for it, too
                    self._changed.notify()

        with self._changed:
            self._changed.wait_for(self._fits)
            take(self._chunk)
        try:
            yield take
        finally:
            with self._changed:
                take(0)
                ended = True

    def _fits(self) -> bool:
        return self._left >= self._chunk
