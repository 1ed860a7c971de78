"""Counts of what one person was sent, by rolling windows, for frequency caps.

The same decision as the script in Redis (``apps.delivery.flow.frequency_counts``), over times that
were read from a database.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from notifier.domain.frequency import Cap

#: Times at which notifications were last sent, in seconds, by counter: a category, or empty for
#: the whole channel.
Counted = Mapping[str, Mapping[str, float]]


class Ledger:
    """The notifications that one person was sent on one channel.

    A notification counts once, by its id, however often it is taken: to several devices, again
    after a failure, or by a second worker after the first one was lost. It counts from when it was
    taken last.
    """

    def __init__(self, counted: Counted | None = None) -> None:
        self._counters: dict[str, dict[str, float]] = defaultdict(dict)
        for name, times in (counted or {}).items():
            self._counters[name] = dict(times)

    def take(self, notification: str, caps: Sequence[Cap], now: float) -> Cap | None:
        """Count a notification, unless it exceeds a cap: return the first one that it exceeds.

        A window is half open: what was taken exactly ``per`` ago is out of it. What is refused
        counts as it did before.
        """
        for cap in caps:
            others = sum(
                at > now - cap.per.seconds
                for key, at in self._counters[cap.category].items()
                if key != notification
            )
            if others >= cap.limit:
                return cap
        for name in {cap.category for cap in caps}:
            self._counters[name][notification] = now
        return None
