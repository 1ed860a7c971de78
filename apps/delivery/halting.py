"""Stopping what was claimed and still waits in a worker, once it must not be sent any more.

A chunk may wait for its turn for minutes, at a slow provider. So each worker process looks twice
a second whether what it is sending was cancelled or paused meanwhile.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db import connection

from apps.delivery import holding, provider_switches, selectors
from apps.delivery.polling import poll
from notifier.halt import Halt
from notifier.outcomes import Held, Reason
from notifier.states import DeliveryState

log = logging.getLogger(__name__)

#: Seconds between two looks.
EVERY = 0.5
#: Who cancels waits so long at most until nothing of it is being sent: three looks of the workers.
PATIENCE = 3 * EVERY

_STOPPED = """
SELECT n.id::text, n.cancelled_at IS NOT NULL, extract(epoch FROM t.paused_at)::float8
  FROM delivery_notification n LEFT JOIN topics_topic t ON t.id = n.topic_id
 WHERE n.id = ANY(%s::uuid[]) AND (n.cancelled_at IS NOT NULL OR t.paused_at IS NOT NULL)
"""
_CANCELLED = Held(0.0, Reason.CANCELLED)


class Lookout(threading.Thread):
    """Looks out for what must not be sent any more, from one thread a process."""

    def __init__(self) -> None:
        super().__init__(name="lookout", daemon=True)
        self._watched: dict[tuple[str, int], Halt] = {}
        self._lock = threading.Lock()
        self._released = False

    def watch(self, halts: Mapping[str, Halt]) -> None:
        """Stop the messages of these notifications where it must be, until ``leave``."""
        with self._lock:
            self._watched |= {(name, id(halt)): halt for name, halt in halts.items()}
        if self._released:
            self.release()

    def release(self) -> None:
        """Begin nothing any more: what this process holds and has not sent is due for others.

        At a slow provider it would take minutes to send it all, and a process that is asked to stop
        has seconds.
        """
        self._released = True
        with self._lock:
            halts = list(self._watched.values())
        for halt in halts:
            halt.all = halt.all or Held(time.time(), Reason.RELEASED)

    def leave(self, halts: Mapping[str, Halt]) -> None:
        """They are sent, or another's."""
        with self._lock:
            for name, halt in halts.items():
                self._watched.pop((name, id(halt)), None)

    def run(self) -> None:
        pause = threading.Event()
        while not pause.wait(EVERY) and not self._released:
            with self._lock:
                watched = dict(self._watched)
            if not watched:
                continue
            try:
                _set(watched)
                if self._released:  # meanwhile, and what was seen just now undid it
                    self.release()
                connection.close()
            except Exception as error:  # this thread must outlive whatever a database can do
                log.warning("nobody looked what was cancelled: %s", type(error).__name__)


def _set(watched: Mapping[tuple[str, int], Halt]) -> None:
    stopped = _stopped({name for name, _ in watched})
    shut = {
        provider: Held(time.time() + holding.seconds(since), Reason.PROVIDER_PAUSED)
        for provider, since in provider_switches.paused().items()
    }
    for (name, _), halt in watched.items():
        halt.all, halt.at = stopped.get(name), shut


def _stopped(names: Collection[str]) -> dict[str, Held]:
    with connection.cursor() as cursor:
        cursor.execute(_STOPPED, [list(names)])
        return {
            name: _CANCELLED
            if cancelled
            else Held(time.time() + holding.seconds(since), Reason.TOPIC_PAUSED)
            for name, cancelled, since in cursor.fetchall()
        }


def wait_until_stopped(notification_ids: Iterable[UUID]) -> None:
    """Return once nothing of these is being sent, or after ``PATIENCE``: what is still being sent
    then had been written to the provider, who is slow to answer.

    Workers see a cancel once it is committed. Raises ``RuntimeError`` where it would have to wait
    in a transaction.
    """
    ids = list(notification_ids)

    def stopped() -> bool | None:
        every = selectors.state_counts(ids).values()
        return None if any(counts.get(DeliveryState.SENDING) for counts in every) else True

    poll(stopped, PATIENCE)
