"""Capacity: how many messages a worker process holds at once, and how many of one publisher."""

import threading
from collections import Counter
from collections.abc import Mapping

#: Most messages that a process holds until they are recorded: two full claims of the usual size
#: (one is sent while the other is claimed or recorded), and as much for a publisher that arrives.
MESSAGES = 3_000
#: A publisher may hold so many times what is still free. One alone holds three quarters at most,
#: two three sevenths each, so a new publisher always finds capacity, however slow the endpoints of
#: the others are. (The dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on
#: Networking 6(2), 1998.)
TIMES_FREE = 3
#: The smallest claim that is worth its cost, as a divisor of a full one.
LEAST = 2


class Capacity:
    """Capacity for ``messages`` messages, of which one claim takes up to ``claim``.

    A single chunk that is larger than ``claim`` is taken whole.
    """

    def __init__(self, claim: int, messages: int = MESSAGES) -> None:
        self._claim = claim
        self._messages = max(messages, 3 * claim)
        self._held: Counter[int] = Counter()
        self._taken = 0
        self._changed = threading.Condition()

    def wait(self, seconds: float) -> bool:
        """Wait up to ``seconds`` until something is free; return whether it is.

        This may be less than a full claim: what one publisher leaves free is for the others.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._taken < self._messages, seconds)

    def shares(self, publishers: Mapping[int, object]) -> dict[int, int]:
        """Return how many messages of each of these publishers may be claimed now.

        Equal shares of one claim; a publisher that holds all it may is left out. One that holds
        something gets at least ``1 / LEAST`` of a claim or nothing: many small claims cost as much
        as large ones.
        """
        with self._changed:
            free = self._messages - self._taken
            share = max(1, min(self._claim, free) // max(1, len(publishers)))
            # Solved for all of them at once: what each is given reduces what is free.
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
        """Take capacity for so many messages of each publisher."""
        with self._changed:
            for publisher, number in by_publisher.items():
                self._held[publisher] += number
                self._taken += number

    def give(self, by_publisher: Mapping[int, int]) -> None:
        """Return capacity for so many messages of each publisher."""
        with self._changed:
            for publisher, number in by_publisher.items():
                self._held[publisher] -= number
                self._taken -= number
                if not self._held[publisher]:
                    del self._held[publisher]
            self._changed.notify_all()

    @property
    def taken(self) -> int:
        """The number of messages held."""
        return self._taken


def in_turn(
    shares: Mapping[int, int], sizes: Mapping[int, int], most: int, last: int
) -> list[dict[int, int]]:
    """Divide publishers with their shares into parts, of which each makes a claim.

    In the first are all whose oldest chunk fits into their share. Where many blast at once, each
    one's chunk is much larger than that. These take turns, from the one behind ``last``: as many
    make a claim as fit into the shares of all of them, and into ``most``; at least one.

    ``sizes``: the number of recipients of each one's oldest chunk.
    """
    fitting = {key: share for key, share in shares.items() if sizes[key] <= share}
    large = shares.keys() - fitting.keys()
    free = min(most, sum(shares[key] for key in large))
    taken, parts = 0, [fitting]
    for key in sorted(large, key=lambda key: (key <= last, key)):
        if taken and taken + sizes[key] > free:
            parts.append({})
            taken = 0
        parts[-1][key] = shares[key]
        taken += sizes[key]
    return parts
