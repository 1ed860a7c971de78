"""An adaptive limit of the calls in flight from one process to one provider.

It follows the gradient rule of Netflix's concurrency-limits (``Gradient2Limit``,
https://github.com/Netflix/concurrency-limits): while calls take as long as usual, more are allowed;
once they take longer, proportionally fewer. Failures lower it as in AIMD (its ``AIMDLimit``: by a
tenth).
"""

import math

#: Calls in flight at first, and after a pause: hundreds of connections opened at once exceed the
#: connect timeout, and would count as the provider's failure.
START = 32
#: Seconds without a call after which connections may be closed.
REST = 60.0
#: Least calls that are judged together: a few slow ones say nothing.
WINDOW = 20
#: Calls in flight that are always allowed, so that the limit itself does not make a slow provider
#: slower.
LEAST = 16
#: Multiple of the usual duration that calls may take before fewer are allowed.
TOLERANCE = 1.5
#: Weight of a window in the usual duration: a provider that stays slow becomes the usual case.
MEMORY = 0.05
#: Share of the difference to the new limit that is applied at once.
STEP = 0.5
#: While calls take as long as usual, the limit grows by this part of itself, before ``STEP``.
GROWTH = 4
#: Share of a window's calls that must fail to lower the limit, and the factor that lowers it.
FAILING, BACKOFF = 0.1, 0.9


class Concurrency:
    """The number of calls that may be in flight: ``limit``, from ``least`` to ``most``.

    It begins at ``start`` and doubles with each window until it reaches ``most``, or calls take
    longer or fail. Call ``begins`` before calls are made, and ``ended`` after each. Times are in
    seconds of one clock.
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
        """Start over after a pause of ``REST``. Returns whether ``limit`` may have changed."""
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
        """Count a call that took ``seconds``. Returns whether ``limit`` may have changed.

        ``failed``: whether it failed in a way that suggests overload. ``under_way``: calls in
        flight at that moment, this one included.
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
        if failing:  # failed calls say nothing about the usual duration
            self._starting = False
            self._set(self._exact * BACKOFF)
            return True
        if not self._usual:
            self._usual = took
        gradient = max(0.5, min(1.0, TOLERANCE * self._usual / took)) if took else 1.0
        # A faster window shows what the provider can do, and counts in full at once.
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
