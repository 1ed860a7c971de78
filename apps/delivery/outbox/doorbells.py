"""Doorbells: broker messages that tell workers at once that a queue has work.

A doorbell names a queue, and nothing else. A lost one costs the time until a worker polls; an extra
one costs a poll. So they are not confirmed, not persisted by the broker, and coalesced: a process
publishes one per queue and ``SPACING``.
"""

import logging
import threading
import time
from collections.abc import Iterable

from celery import current_app

from apps.delivery.outbox.queues import Queue
from notifier.domain.priorities import Priority

log = logging.getLogger(__name__)

#: Least seconds between two doorbells of one queue from one process. The first rings at once; under
#: load, waiting lets each of the next ones find more to claim at once.
SPACING = {Priority.HIGH: 0.02, Priority.NORMAL: 0.2, Priority.LOW: 0.2}
#: Seconds without an attempt to publish after one failed: connecting can take seconds.
PAUSE_SECONDS = 1.0
_RANKS = {priority.value: rank for rank, priority in enumerate(Priority)}


def ring(queues: Iterable[Queue]) -> None:
    """Ring for these queues from a thread of this process; return at once, and never raise."""
    global _ringer
    if _ringer is None or not _ringer.is_alive():  # first use, or a forked child
        with _lock:
            if _ringer is None or not _ringer.is_alive():
                _ringer = _Ringer()
                _ringer.start()
    _ringer.ring(queues)


class _Ringer(threading.Thread):
    """Publishes doorbells from one daemon thread per process: no request waits for the broker."""

    def __init__(self) -> None:
        super().__init__(name="doorbells", daemon=True)
        self._changed = threading.Condition()
        self._rung: set[Queue] = set()
        self._published: dict[Queue, float] = {}

    def ring(self, queues: Iterable[Queue]) -> None:
        with self._changed:
            self._rung.update(queues)
            self._changed.notify()

    def run(self) -> None:
        while True:
            try:
                _publish(self._due())
            except Exception as error:  # kombu lets the errors of every transport through
                log.warning(
                    "doorbells cannot be published (%s); workers find work by polling",
                    type(error).__name__,
                )
                time.sleep(PAUSE_SECONDS)

    def _due(self) -> list[Queue]:
        """Wait for queues that may be rung for now, and return them, urgent ones first."""
        with self._changed:
            while True:
                now = time.monotonic()
                wait = None
                due = []
                for queue in self._rung:
                    left = self._published.get(queue, 0.0) + SPACING[Priority(queue.priority)] - now
                    if left <= 0:
                        due.append(queue)
                    else:
                        wait = left if wait is None else min(wait, left)
                if due:
                    self._rung.difference_update(due)
                    self._published.update(dict.fromkeys(due, now))
                    return sorted(due, key=lambda queue: _RANKS[queue.priority])
                self._changed.wait(wait)


def _publish(queues: Iterable[Queue]) -> None:
    with current_app.producer_or_acquire() as producer:
        for queue in queues:
            current_app.send_task(
                queue.task,
                queue=queue.name,
                producer=producer,
                retry=False,
                # For Flower. Celery's own rendering of these would take a seventh of a publish.
                argsrepr="()",
                kwargsrepr="{}",
            )


_ringer: _Ringer | None = None
_lock = threading.Lock()
