"""Refuse low, then normal priority while too much waits on a channel, or the database is slow.

Each process looks once a second, in a thread beside the requests, and only while something that
may be refused is posted. High priority neither waits for that nor is ever refused.

A channel is judged by its own backlog. What goes out on several is refused only where all of them
are overloaded: else it is taken, and what waits on an overloaded one is a warning.
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
from apps.delivery.outbox.backlog import FAN_OUT
from apps.delivery.outbox.queues import Queue
from notifier.domain.priorities import Priority

log = logging.getLogger(__name__)

#: How long a look is believed, and how long a request waits for a new one: where that takes longer
#: the database is slow, and what is known so far decides.
BELIEVED_SECONDS, PATIENCE_SECONDS = 1.0, 0.05
#: Seconds to wait, by what is wrong. A backlog takes a while, a busy database is often only busy.
RETRY_AFTER = {"backlog": 30, "database": 5}
REFUSABLE = (Priority.NORMAL, Priority.LOW)

REFUSED = Counter(
    "notifier_overload_refused_total",
    "Notifications refused with 503 because too much waits or the database is slow.",
    ["priority", "because"],
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. ``ages``: seconds that the oldest has been due, by queue; ``database``:
    seconds until it gave a connection and answered."""

    at: float = -math.inf
    ages: Mapping[Queue, float] = field(default_factory=dict)
    database: float = 0.0


class Watch:
    """One process's look at backlogs and database, taken again when somebody asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = Look()
        self._begun: float | None = None
        self._done = threading.Event()

    def refused(self, patience: float = PATIENCE_SECONDS) -> Mapping[Queue, str]:
        """The queues that take no more now, each with what is wrong: ``backlog`` or ``database``.

        ``patience``: seconds to wait for a new look. Who only reads, and may be the first in
        hours, waits longer than a request does.
        """
        if time.monotonic() - self._last.at > BELIEVED_SECONDS:
            self._look(patience)
        last, begun = self._last, self._begun
        # Who is still waiting for the answer knows that it takes as long as that at least.
        database = max(last.database, time.monotonic() - begun if begun is not None else 0.0)
        oldest = max(last.ages.values(), default=0.0)
        if database <= min(settings.OVERLOAD_DATABASE.values()) and oldest <= min(
            settings.OVERLOAD_BACKLOG.values()
        ):
            return {}  # which each notification of a batch asks for
        found = {}
        for channel in (FAN_OUT, *settings.CHANNELS):
            waited = 0.0
            for priority in REFUSABLE:  # what is more urgent waits in front
                waited = max(waited, last.ages.get(Queue(channel, priority), 0.0))
                if database > settings.OVERLOAD_DATABASE[priority]:
                    found[Queue(channel, priority.value)] = "database"
                elif waited > settings.OVERLOAD_BACKLOG[priority]:
                    found[Queue(channel, priority.value)] = "backlog"
        return found

    def forget(self) -> None:
        """Look again when asked next."""
        self._last = Look()

    def _look(self, patience: float) -> None:
        with self._lock:
            if self._begun is None:
                self._begun = time.monotonic()
                self._done.clear()
                threading.Thread(target=self._run, name="load-shedding", daemon=True).start()
        self._done.wait(patience)

    def _run(self) -> None:
        begun = time.monotonic()
        ages: Mapping[Queue, float] = {}
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


def _ages() -> dict[Queue, float]:
    """By queue. What waits for a provider that is paused or down is no reason to refuse more."""
    connection.ensure_connection()
    shut = availability.shut(settings.CHANNELS)
    channels = [FAN_OUT, *(name for name in settings.CHANNELS if name not in shut)]
    return backlog.ages(REFUSABLE, channels)


_watch = Watch()
refused = _watch.refused
forget = _watch.forget


def check(
    priority: str, channels: Sequence[str], *, fan_out: bool, pointer: str
) -> Iterator[dict[str, str]]:
    """A warning for each of ``channels`` on which this would wait behind too much.

    ``fan_out``: its audience is still to be cut. ``pointer`` leads to where the request names the
    channels. ``turn_away`` has looked. Raises a ``Problem`` where there is no channel left on
    which it would not.
    """
    if priority == Priority.HIGH:
        return
    found = refused(patience=0.0)
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


class Asked(NamedTuple):
    """What was posted and has not been checked yet, by what load shedding looks at. ``channels``
    are all where none are named."""

    priority: str
    channels: tuple[str, ...]


def turn_away(posted: Collection[Asked]) -> None:
    """Raise a ``Problem`` if something is posted and all of it is refused now."""
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
    """The answer to what is refused, counted."""
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
