"""How much a worker process holds at once, and how much of that one publisher may have."""

import threading
from collections import Counter
from collections.abc import Mapping

#: Messages that a process holds until they are on record: two full claims of the usual size (one
#: that is sent while the other is claimed or written down), and room for a publisher who comes.
MESSAGES = 3_000
#: A publisher may have so many times what is still free. One alone has three quarters at most, two
#: three sevenths each: whoever comes finds room, however slow the others' endpoints are. (The
#: dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998.)
TIMES_FREE = 3
#: What part of a claim (one of so many) is the least that is worth one.
LEAST = 2


class Capacity:
    """Room for so many messages; a claim takes up to ``claim``, or more where one chunk has."""

    def __init__(self, claim: int, messages: int = MESSAGES) -> None:
        self._claim = claim
        self._messages = max(messages, 3 * claim)
        self._held: Counter[int] = Counter()
        self._taken = 0
        self._changed = threading.Condition()

    def wait(self, seconds: float) -> bool:
        """Wait until there is room; whether there is.

        Not for a full claim: what one publisher leaves free may be less, and is for the others.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._taken < self._messages, seconds)

    def shares(self, publishers: Mapping[int, object]) -> dict[int, int]:
        """Return how many messages of each of these publishers may be claimed now.

        Equal shares of one claim, but for those who hold what they may have. Who holds something
        is given a good part of a claim or nothing: many small claims cost as much as large ones.
        """
        with self._changed:
            free = self._messages - self._taken
            share = max(1, min(self._claim, free) // max(1, len(publishers)))
            # What is free is less by what all of them are given at the same time.
            parts = 1 + TIMES_FREE * len(publishers)
            least = min(share, self._claim // LEAST)
            found = {}
            for publisher in publishers:
                number = min(share, (TIMES_FREE * free - self._held[publisher]) // parts)
                if number >= least:
                    found[publisher] = number
                elif not self._held[publisher] and free > 0:
                    found[publisher] = max(1, number)
        return found

    def take(self, by_publisher: Mapping[int, int]) -> None:
        """Hold so many messages of each publisher."""
        with self._changed:
            for publisher, number in by_publisher.items():
                self._held[publisher] += number
                self._taken += number

    def give(self, by_publisher: Mapping[int, int]) -> None:
        """Hold so many messages less."""
        with self._changed:
            for publisher, number in by_publisher.items():
                self._held[publisher] -= number
                self._taken -= number
                if not self._held[publisher]:
                    del self._held[publisher]
            self._changed.notify_all()

    @property
    def taken(self) -> int:
        """How many messages are held."""
        return self._taken
