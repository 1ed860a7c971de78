"""How many calls may be under way at one provider from one process: as many as it carries well.

The gradient rule of Netflix's concurrency-limits (``Gradient2Limit``,
https://github.com/Netflix/concurrency-limits): while calls take as long as they usually do, a few
more are allowed; once they take longer, fewer, in proportion. Failures lower it as they do in
AIMD (its ``AIMDLimit``: by a tenth).
"""

import math

#: Calls that are looked at together, at least: a few slow ones say nothing.
WINDOW = 50
#: Calls may take so many times what is usual before fewer are allowed.
TOLERANCE = 1.5
#: What a window weighs in what is usual: a provider that stays slow is usual after a while.
MEMORY = 0.02
#: How much of the way to the new limit is gone at once.
STEP = 0.5
#: Share of a window's calls that must fail to lower the limit, and what is left of it then.
FAILING, BACKOFF = 0.1, 0.9


class Concurrency:
    """``limit`` is at first ``most``, and never under ``least``.

    ``limit`` calls may be under way; ``ended`` is told of each one.
    """

    __slots__ = ("_calls", "_exact", "_failed", "_least", "_most", "_seconds", "_usual", "limit")

    def __init__(self, most: int, least: int = 4) -> None:
        self._most = most
        self._least = min(least, most)
        self._exact = float(most)
        self.limit = most
        self._usual = 0.0
        self._calls = self._failed = 0
        self._seconds = 0.0

    def ended(self, seconds: float, failed: bool, under_way: int) -> bool:
        """Count a call that took so long; whether ``limit`` may have changed.

        ``failed``: it is the provider's sign that it has too much to do. ``under_way``: calls at
        that moment, this one included.
        """
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
            self._set(self._exact * BACKOFF)
            return True
        if not self._usual:
            self._usual = took
        gradient = max(0.5, min(1.0, TOLERANCE * self._usual / took)) if took else 1.0
        # Faster than usual is what it can do, and counts at once.
        self._usual = min(took, self._usual + MEMORY * (took - self._usual))
        if gradient < 1.0 or 2 * under_way >= self.limit:
            wanted = self._exact * gradient + math.sqrt(self._exact)
            self._set(self._exact + STEP * (wanted - self._exact))
        return True

    def _set(self, exact: float) -> None:
        self._exact = max(self._least, min(self._most, exact))
        self.limit = int(self._exact)
