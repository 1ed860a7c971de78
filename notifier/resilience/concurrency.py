"""How many calls may be under way at one provider from one process: as many as it carries well.

The gradient rule of Netflix's concurrency-limits (``Gradient2Limit``,
https://github.com/Netflix/concurrency-limits): while calls take as long as they usually do, more
are allowed; once they take longer, fewer, in proportion. Failures lower it as they do in
AIMD (its ``AIMDLimit``: by a tenth).
"""

import math

#: Calls under way at first, and after a rest: hundreds of connections opened at once take longer
#: than connecting may, and would count as the provider's failure.
START = 32
#: Seconds without a call after which connections may be gone.
REST = 60.0
#: Calls that are looked at together, at least: a few slow ones say nothing.
WINDOW = 20
#: Calls that may be under way whatever happens: what is left to a slow provider must not be slow
#: of itself.
LEAST = 16
#: Calls may take so many times what is usual before fewer are allowed.
TOLERANCE = 1.5
#: What a window weighs in what is usual: a provider that stays slow is usual after a while.
MEMORY = 0.05
#: How much of the way to the new limit is gone at once.
STEP = 0.5
#: What part of the limit it grows by while calls take as long as usual, before that step.
GROWTH = 4
#: Share of a window's calls that must fail to lower the limit, and what is left of it then.
FAILING, BACKOFF = 0.1, 0.9


class Concurrency:
    """``limit`` calls may be under way, at most ``most`` and never under ``least``.

    It starts with ``start`` and doubles with each round, until it is at its most or calls take
    longer or fail. ``begins`` is asked before calls are made, ``ended`` told of each one. Times
    are in seconds, of one clock.
    """

    __slots__ = (
        *("_calls", "_ended_at", "_exact", "_failed", "_first", "_least", "_most", "_seconds"),
        *("_starting", "_usual", "limit"),
    )

    def __init__(self, most: int, *, start: int = START, least: int = LEAST) -> None:
        self._most = most
        self._first = min(start, most)
        self._least = min(least, most)
        self._ended_at = 0.0
        self._usual = 0.0
        self._start()

    def begins(self, now: float) -> bool:
        """Calls are about to be made; whether ``limit`` may have changed."""
        if now - self._ended_at < REST:
            return False
        self._ended_at = now
        self._start()
        return True

    def _start(self) -> None:
        self._starting = True
        self._calls = self._failed = 0
        self._seconds = 0.0
        self._set(self._first)

    def ended(self, seconds: float, failed: bool, under_way: int, now: float) -> bool:
        """Count a call that took so long; whether ``limit`` may have changed.

        ``failed``: it is the provider's sign that it has too much to do. ``under_way``: calls at
        that moment, this one included.
        """
        self._ended_at = now
        self._calls += 1
        self._seconds += seconds
        self._failed += failed
        if self._calls < max(WINDOW, self.limit):
            return False
        took = self._seconds / self._calls
        failing = self._failed >= FAILING * self._calls
        self._calls = self._failed = 0
        self._seconds = 0.0
        if failing:  # what failed says nothing of how long calls take
            self._starting = False
            self._set(self._exact * BACKOFF)
            return True
        if not self._usual:
            self._usual = took
        gradient = max(0.5, min(1.0, TOLERANCE * self._usual / took)) if took else 1.0
        # Faster than usual is what it can do, and counts at once.
        self._usual = min(took, self._usual + MEMORY * (took - self._usual))
        self._starting = self._starting and gradient == 1.0 and self._exact < self._most
        if self._starting:
            self._set(2 * self._exact)
        elif gradient < 1.0 or 2 * under_way >= self.limit:
            more = math.sqrt(self._exact)
            if gradient == 1.0:
                more = max(more, self._exact / GROWTH)
            wanted = self._exact * gradient + more
            self._set(self._exact + STEP * (wanted - self._exact))
        return True

    def _set(self, exact: float) -> None:
        self._exact = max(self._least, min(self._most, exact))
        self.limit = int(self._exact)
