"""Load shedding: refuse low, then normal priority while a backlog is large or the database slow.

Each process measures at most once a second, in a thread of its own, and only while requests that
may be refused arrive. High priority is never refused and does not wait for a measurement.

A channel is judged by its own backlog. A notification on several channels is refused only if all of
them are overloaded; otherwise it is accepted with a warning for each overloaded one.
"""

import logging
import math
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from prometheus_client import Counter

from apps.api.problems import Problem
from apps.delivery.flow import availability
from apps.delivery.outbox import backlog
from apps.delivery.outbox.queues import FAN_OUT, Queue, all_queues
from notifier.domain.priorities import Priority

log = logging.getLogger(__name__)

#: Seconds for which a measurement is used, and for which a request waits for a new one. If that
#: takes longer the database is slow, and the last measurement decides.
FRESH_SECONDS, WAIT_SECONDS = 1.0, 0.05
#: Retry-After in seconds, by cause: a backlog shrinks slowly, a busy database recovers soon.
RETRY_AFTER = {"backlog": 30, "database": 5}
REFUSABLE = (Priority.NORMAL, Priority.LOW)

REFUSED = Counter(
    "notifier_overload_refused_total",
    "Notifications refused with 503 because too much waits or the database is slow.",
    ["priority", "because"],
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement of backlogs and database.

    ``at``: monotonic time. ``ages``: seconds for which the oldest delivery has been due, by queue.
    ``database``: seconds until it gave a connection and answered.
    """

    at: float = -math.inf
    ages: Mapping[Queue, float] = field(default_factory=dict)
    database: float = 0.0


class OverloadMonitor:
    """The last measurement of this process, renewed on demand."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = Measurement()
        self._begun: float | None = None
        self._done = threading.Event()

    def refused(self, timeout: float = WAIT_SECONDS) -> Mapping[Queue, str]:
        """Return the queues that are refused now, with the cause: ``backlog`` or ``database``.

        ``timeout``: seconds to wait for a new measurement. A page of metrics may be the first to
        ask in hours, and so waits longer than a request does.
        """
        if time.monotonic() - self._last.at > FRESH_SECONDS:
            self._measure(timeout)
        last, begun = self._last, self._begun
        # A measurement under way shows already that the database takes at least so long.
        database = max(last.database, time.monotonic() - begun if begun is not None else 0.0)
        oldest = max(last.ages.values(), default=0.0)
        if database <= min(settings.OVERLOAD_DATABASE.values()) and oldest <= min(
            settings.OVERLOAD_BACKLOG.values()
        ):
            return {}  # the usual case, asked for each notification of a batch
        found = {}
        for channel in (FAN_OUT, *settings.CHANNELS):
            waited = 0.0
            for priority in REFUSABLE:  # from the higher to the lower one, which waits behind it
                waited = max(waited, last.ages.get(Queue(channel, priority), 0.0))
                if database > settings.OVERLOAD_DATABASE[priority]:
                    found[Queue(channel, priority.value)] = "database"
                elif waited > settings.OVERLOAD_BACKLOG[priority]:
                    found[Queue(channel, priority.value)] = "backlog"
        return found

    def forget(self) -> None:
        """Measure again when asked next; a measurement under way counts for nothing."""
        with self._lock:
            self._last, self._begun = Measurement(), None

    def _measure(self, timeout: float) -> None:
        with self._lock:
            if self._begun is None:
                self._begun = begun = time.monotonic()
                self._done.clear()
                threading.Thread(
                    target=self._run, args=[begun], name="load-shedding", daemon=True
                ).start()
        self._done.wait(timeout)

    def _run(self, begun: float) -> None:
        ages: Mapping[Queue, float] = {}
        try:
            ages = _ages()
            took = time.monotonic() - begun
        except Exception as error:  # any error means that the database does not answer
            log.warning("load shedding cannot read the backlogs: %s", type(error).__name__)
            took = math.inf
        finally:
            connection.close()
        with self._lock:
            if self._begun == begun:  # not forgotten meanwhile
                self._last, self._begun = Measurement(time.monotonic(), ages, took), None
        self._done.set()


def _ages() -> dict[Queue, float]:
    """Read the ages of backlogs by queue.

    Channels whose providers are all paused or down are left out: refusing more would not help them.
    """
    connection.ensure_connection()
    shut = availability.shut(settings.CHANNELS)
    return backlog.ages(
        [one for one in all_queues() if one.priority in REFUSABLE and one.channel not in shut]
    )


_monitor = OverloadMonitor()
refused = _monitor.refused
forget = _monitor.forget


def check(
    priority: str, channels: Sequence[str], *, fan_out: bool, pointer: str
) -> Iterator[dict[str, str]]:
    """Yield a warning for each of ``channels`` that is overloaded at this priority.

    ``fan_out``: whether its audience is still to be cut. ``pointer``: JSON pointer to where the
    request names the channels. Uses the measurement that ``refuse_if_overloaded`` has renewed.
    Raises ``Problem`` where all of the channels are overloaded, or fan-out is.
    """
    if priority == Priority.HIGH:
        return
    found = refused(timeout=0.0)
    if fan_out and (because := found.get(Queue(FAN_OUT, priority))):
        raise _problem(priority, (), because)
    full = [channel for channel in channels if Queue(channel, priority) in found]
    if full and len(full) == len(channels):
        raise _problem(priority, full, found[Queue(full[0], priority)])
    for channel in full:
        yield {
            "pointer": pointer,
            "detail": f"Too much of {priority} priority waits on {channel}: what is for {channel} "
            "is sent late. The other channels are not behind.",
        }


class PostedSummary(NamedTuple):
    """Priority and channels of a posted notification that is not validated yet.

    ``channels``: every channel if the request names none.
    """

    priority: str
    channels: tuple[str, ...]


def refuse_if_overloaded(posted: Collection[PostedSummary]) -> None:
    """Raise ``Problem`` if all of a request would be refused now, before it is validated."""
    refusable = [asked for asked in posted if asked.priority != Priority.HIGH]
    if not refusable:
        return
    found = refused()
    if len(refusable) < len(posted):
        return
    if found and all(
        Queue(channel, asked.priority) in found for asked in posted for channel in asked.channels
    ):
        priority, channels = min(posted)
        raise _problem(priority, channels, found[Queue(channels[0], priority)])


def _problem(priority: str, channels: Sequence[str], because: str) -> Problem:
    """Build the problem of a refusal, and count it."""
    REFUSED.labels(priority, because).inc()
    seconds = RETRY_AFTER[because]
    members: dict[str, Any] = {}
    if because == "database":
        what = "The database is busy"
    elif channels:
        what = f"Too much waits on {' and '.join(channels)}"
        members["channels"] = list(channels)
    else:
        what = "Too many audiences wait to be cut into deliveries"
    return Problem(
        "overloaded",
        f"{what}, and {priority} priority has to wait. Send the same request again after "
        f"{seconds} s; what is urgent has high priority.",
        headers={"Retry-After": str(seconds)},
        **members,
    )
