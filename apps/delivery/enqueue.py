"""Telling the workers of a chunk. A hint only: the row is the outbox and the sweeper repeats it."""

import logging
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from celery import current_app
from django.conf import settings

from apps.delivery.models import ChunkKind
from notifier import queues
from notifier.priorities import Priority

log = logging.getLogger(__name__)

#: After a failure nothing is offered to the broker for so long; a connection attempt can take
#: seconds, and everything in between is swept.
PAUSE_SECONDS = 1.0
#: Chunks waiting to be published by this process. More would only be published late.
BACKLOG = 10_000
#: Published in one go; an urgent ticket waits for no more than these.
BATCH = 20
_RANKS = {priority.value: rank for rank, priority in enumerate(Priority)}


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which chunk, and what says on which queue it belongs."""

    chunk_id: int
    kind: str
    channel: str
    priority: str

    @property
    def task(self) -> str:
        return "delivery.fan_out" if self.kind == ChunkKind.WHOLE else "delivery.deliver"

    @property
    def queue(self) -> str:
        if self.kind == ChunkKind.WHOLE:
            return queues.fan_out_queue(self.priority)
        return queues.deliver_queue(self.channel, self.priority)


def grace(priority: str) -> float:
    """Seconds after which an unclaimed chunk of this priority is enqueued again."""
    return settings.SWEEP_AFTER[priority]


def now(tickets: Iterable[Ticket]) -> int:
    """Publish, waiting for the broker's confirmation; how many were published.

    Stops at the first failure with one line in the log: the rest is swept.
    """
    published = 0
    try:
        with current_app.producer_or_acquire() as producer:
            for ticket in tickets:
                current_app.send_task(
                    ticket.task,
                    args=[ticket.chunk_id],
                    queue=ticket.queue,
                    producer=producer,
                    # For Flower; Celery's own way to write them is a seventh of all this.
                    argsrepr=f"[{ticket.chunk_id}]",
                    kwargsrepr="{}",
                )
                published += 1
    except Exception as error:  # kombu lets errors of every transport through
        log.warning(
            "the broker took %d chunks, then failed (%s); the sweeper will repeat the rest",
            published,
            type(error).__name__,
        )
        raise BrokerDown from error
    return published


class BrokerDown(Exception):
    """The broker did not take a chunk. Nothing is lost: the row is swept."""


class _Mailer(threading.Thread):
    """One daemon thread a process, so that no request ever waits for the broker."""

    def __init__(self) -> None:
        super().__init__(name="enqueue", daemon=True)
        # Urgent ones first, then as they came: nobody's code waits behind a batch of newsletters.
        self._waiting: queue.PriorityQueue[tuple[int, int, Ticket]] = queue.PriorityQueue()
        self._numbers = count()

    def offer(self, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            rank = _RANKS[ticket.priority]
            if rank == 0 or self._waiting.qsize() < BACKLOG:  # the others are swept
                self._waiting.put((rank, next(self._numbers), ticket))

    def run(self) -> None:
        while True:
            batch = [self._waiting.get()[2]]
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait()[2])
            try:
                now(batch)
            except BrokerDown:
                time.sleep(PAUSE_SECONDS)


_mailer: _Mailer | None = None
_lock = threading.Lock()


def soon(tickets: Iterable[Ticket]) -> None:
    """Publish from a thread of this process; returns at once, never raises."""
    global _mailer
    if _mailer is None or not _mailer.is_alive():  # first use, or the child of a fork
        with _lock:
            if _mailer is None or not _mailer.is_alive():
                _mailer = _Mailer()
                _mailer.start()
    _mailer.offer(tickets)
