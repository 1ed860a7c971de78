"""Backpressure at the door: too much waits, or the database is slow, and low priority is refused
before anybody else notices.

Each process looks once a second, in a thread beside the requests, and only while something that
may be refused is posted. High priority neither waits for that nor is ever refused.
"""

import logging
import math
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection
from prometheus_client import Counter

from apps.delivery import gates
from apps.publishers.problems import Problem
from notifier.priorities import Priority

log = logging.getLogger(__name__)

#: How long a look is believed, and how long a request waits for a new one: where that takes longer
#: the database is slow, and what is known so far decides.
BELIEVED_SECONDS, PATIENCE_SECONDS = 1.0, 0.05
#: Chunks looked at for the oldest: they lie nearly in the order of their age.
OLDEST = 100
#: Seconds to wait, by what is wrong. A backlog takes a while, a busy database is often only busy.
RETRY_AFTER = {"backlog": 30, "database": 5}
REFUSABLE = (Priority.NORMAL, Priority.LOW)

REFUSED = Counter(
    "notifier_overload_refused_total",
    "Notifications refused with 503 because too much waits or the database is slow.",
    ["priority", "because"],
)

# What waits at a priority on channels that are not shut: both parts look at the oldest end of a
# partial index only. What waits for its provider is no reason to refuse what is for others.
_AGES = """
SELECT priority, extract(epoch FROM clock_timestamp() - min(since))::float
  FROM (SELECT p.priority, min(c.ready_at) AS since
          FROM unnest(%(priorities)s::text[]) AS p (priority),
               LATERAL (SELECT ready_at, channel FROM delivery_chunk
                         WHERE priority = p.priority AND state = 'queued'
                           AND (channel = '' OR channel = ANY(%(channels)s))
                         ORDER BY due_at LIMIT %(oldest)s) c
         GROUP BY 1
        UNION ALL
        SELECT p.priority, min(d.next_attempt_at)
          FROM unnest(%(priorities)s::text[]) AS p (priority),
               unnest(%(channels)s::text[]) AS k (channel),
               LATERAL (SELECT next_attempt_at FROM delivery_delivery
                         WHERE priority = p.priority AND channel = k.channel
                           AND next_attempt_at <= clock_timestamp()
                         ORDER BY next_attempt_at LIMIT 1) d
         GROUP BY 1) waiting
 WHERE since <= clock_timestamp()
 GROUP BY priority
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. ``ages``: seconds that the oldest has been due, by priority; ``database``:
    seconds until it gave a connection and answered."""

    at: float = -math.inf
    ages: Mapping[str, float] = field(default_factory=dict)
    database: float = 0.0


class Watch:
    """One process's look at backlog and database, taken again when somebody asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = Look()
        self._begun: float | None = None
        self._done = threading.Event()

    def refused(self, patience: float = PATIENCE_SECONDS) -> Mapping[str, str]:
        """The priorities refused now, each with what is wrong: ``backlog`` or ``database``.

        ``patience``: seconds to wait for a new look. Who only reads, and may be the first in
        hours, waits longer than a request does.
        """
        if time.monotonic() - self._last.at > BELIEVED_SECONDS:
            self._look(patience)
        last, begun = self._last, self._begun
        # Who is still waiting for the answer knows that it takes as long as that at least.
        database = max(last.database, time.monotonic() - begun if begun is not None else 0.0)
        ages = last.ages
        normal = ages.get(Priority.NORMAL, 0.0)
        waited = {Priority.NORMAL: normal, Priority.LOW: max(normal, ages.get(Priority.LOW, 0.0))}
        found = {}
        for priority in REFUSABLE:
            if database > settings.OVERLOAD_DATABASE[priority]:
                found[priority.value] = "database"
            elif waited[priority] > settings.OVERLOAD_BACKLOG[priority]:
                found[priority.value] = "backlog"
        return found

    def forget(self) -> None:
        """Look again when asked next."""
        self._last = Look()

    def _look(self, patience: float) -> None:
        with self._lock:
            if self._begun is None:
                self._begun = time.monotonic()
                self._done.clear()
                threading.Thread(target=self._run, name="overload", daemon=True).start()
        self._done.wait(patience)

    def _run(self) -> None:
        begun = time.monotonic()
        ages: Mapping[str, float] = {}
        try:
            ages = _ages()
            took = time.monotonic() - begun
        except Exception as error:  # whatever is wrong with it, it does not answer
            log.warning("the database does not say what waits: %s", type(error).__name__)
            took = math.inf
        finally:
            connection.close()
        with self._lock:
            self._last, self._begun = Look(time.monotonic(), ages, took), None
        self._done.set()


def _ages() -> dict[str, float]:
    connection.ensure_connection()
    shut = gates.shut(settings.CHANNELS)
    channels = [name for name in settings.CHANNELS if name not in shut]
    with connection.cursor() as cursor:
        cursor.execute(
            _AGES, {"priorities": list(REFUSABLE), "channels": channels, "oldest": OLDEST}
        )
        return dict(cursor.fetchall())


_watch = Watch()
refused = _watch.refused
forget = _watch.forget


def check(priority: str) -> None:
    """Raises a ``Problem`` if what has this priority is refused now."""
    if priority != Priority.HIGH and (why := refused().get(priority)):
        raise problem(priority, why)


def turn_away(priorities: Collection[str]) -> None:
    """Raises a ``Problem`` if something has these priorities and all of it is refused now."""
    if not priorities or Priority.HIGH in priorities:
        return
    found = refused()
    if found and all(priority in found for priority in priorities):
        priority = min(priorities)
        raise problem(priority, found[priority])


def problem(priority: str, why: str) -> Problem:
    """The answer to what is refused, counted."""
    REFUSED.labels(priority, why).inc()
    seconds = RETRY_AFTER[why]
    return Problem(
        "overloaded",
        f"Too much waits to be sent, or the database is busy, and {priority} priority has to wait. "
        f"Send the same request again after {seconds} s; what is urgent has high priority.",
        headers={"Retry-After": str(seconds)},
    )
