"""Cancellation inside a worker: stop claimed messages that must not be sent any more.

A message may wait in a worker for minutes, at a slow provider. So each worker process checks twice
a second whether the notifications it is sending were cancelled or, where they have steps, answered,
their topics or providers paused, or the breakers of providers opened. A process that cannot check
for ``SIGHT`` seconds sends nothing more, so a cancel has taken effect after that time, whatever
happened to a worker.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from apps.core.polling import poll
from apps.delivery import selectors
from apps.delivery.flow import address_guards, breakers, provider_pauses
from apps.delivery.outbox import claims
from apps.delivery.outbox.reserved import reserve
from apps.delivery.state import deferral
from apps.delivery.state.steps import answers
from apps.delivery.state.steps.answers import Awaited
from apps.topics import selectors as topics
from notifier.domain.cancellation import CancellationView, StopSignal
from notifier.domain.outcomes import Held, Reason
from notifier.domain.states import DeliveryState

log = logging.getLogger(__name__)

#: Seconds between two checks.
EVERY = 0.5
#: Seconds for which a process relies on its last check.
SIGHT = 2.0
#: Most seconds that a cancel waits until nothing of the notification is being sent. What is still
#: being sent then has been written to a provider that is slow to answer.
PATIENCE = SIGHT + EVERY
#: Seconds before the last check from which cancels are read again: a cancel becomes visible when
#: its transaction commits, and that may wait for locks.
OVERLAP = 60.0

_CANCELLED_SINCE = """
SELECT id::text FROM delivery_notification
 WHERE cancelled_at >= to_timestamp(%s) - make_interval(secs => %s) AND id = ANY(%s::uuid[])
"""
_CANCELLED = Held(0.0, Reason.CANCELLED)


class Watched(NamedTuple):
    """The messages of one notification, or one of them, that this process is sending."""

    claim_id: int
    notification_id: str
    topic_id: int | None
    halt: StopSignal
    #: The answers that stop it, where it is one delivery of a notification with steps.
    awaited: Awaited | None = None


class CancellationWatcher(threading.Thread):
    """Stops messages that must not be sent any more, from one thread per process."""

    def __init__(self) -> None:
        super().__init__(name="cancellation", daemon=True)
        self._watched: dict[int, Watched] = {}
        self._lock = threading.Lock()
        self._released = False
        self._stopping = threading.Event()  # a Thread has a ``_stop`` of its own
        self._sight = CancellationView()
        #: The database's time of the last check (unix seconds).
        self._read_at: float | None = None

    def watch(self, some: Iterable[Watched], since: float) -> None:
        """Stop the messages of these notifications when they must not be sent, until ``unwatch``.

        ``since``: when they were read and not cancelled (monotonic seconds).
        """
        some = list(some)
        for one in some:
            one.halt.until, one.halt.sight = since + SIGHT, self._sight
        with self._lock:
            self._watched |= {id(one.halt): one for one in some}
        if self._released:
            self.release()

    def release(self) -> None:
        """Send nothing more: what this process holds and has not sent becomes due for others.

        At a slow provider it would take minutes to send it all, and a process that is asked to stop
        has seconds.
        """
        self._released = True
        with self._lock:
            watched = list(self._watched.values())
        for one in watched:
            one.halt.all = one.halt.all or Held(time.time(), Reason.RELEASED)

    def unwatch(self, some: Iterable[Watched]) -> None:
        """Stop watching messages that are sent, or that another worker has now."""
        with self._lock:
            for one in some:
                self._watched.pop(id(one.halt), None)

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def run(self) -> None:
        """Check every ``EVERY`` seconds while something is watched."""
        reserve()
        while not self._stopping.wait(EVERY) and not self._released:
            with self._lock:
                watched = list(self._watched.values())
            if not watched:
                continue
            began = time.monotonic()
            try:
                self._apply(watched)
                self._sight.until = began + SIGHT
                if self._released:  # released during the check, which overwrote it
                    self.release()
            except Exception as error:  # this thread must survive every database error
                log.warning("cancelled notifications cannot be read: %s", type(error).__name__)
            finally:
                connection.close()  # also one that broke: Django opens no other before

    def _apply(self, watched: Collection[Watched]) -> None:
        cancelled, paused, held = self._read(
            {one.claim_id for one in watched}, {one.notification_id for one in watched}
        )
        now = time.time()
        # Due at once: another provider may take them, and else they wait at the gate.
        left_alone = (
            dict.fromkeys(address_guards.cooling(), Held(now, Reason.MANY_DEAD_ADDRESSES))
            | dict.fromkeys(breakers.cooling(), Held(now, Reason.PROVIDER_DOWN))
            | {
                provider: Held(now + deferral.seconds(since), Reason.PROVIDER_PAUSED)
                for provider, since in provider_pauses.paused().items()
            }
        )
        answered = answers.answered({one.awaited for one in watched if one.awaited is not None})
        for one in watched:
            # A step that was answered is due for others, who find that it is not needed any more.
            if one.claim_id not in held or one.awaited in answered:
                one.halt.all = Held(time.time(), Reason.RELEASED)
            elif one.notification_id in cancelled:
                one.halt.all = _CANCELLED
            elif one.halt.all is not _CANCELLED:
                one.halt.all = paused.get(one.topic_id)
            one.halt.at = left_alone

    def _read(
        self, claim_ids: Collection[int], notification_ids: Collection[str]
    ) -> tuple[set[str], dict[int | None, Held], set[int]]:
        """Return recent cancels, deferrals of paused topics, and the claims that are still held.

        Cancels of these notifications alone: a hundred thousand may be cancelled in a minute.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM statement_timestamp())::float8")
            now = cursor.fetchone()[0]
            since = [self._read_at or now, OVERLAP]
            cursor.execute(_CANCELLED_SINCE, [*since, list(notification_ids)])
            cancelled = {notification_id for (notification_id,) in cursor.fetchall()}
        paused: dict[int | None, Held] = {
            topic_id: Held(time.time() + deferral.seconds(since), Reason.TOPIC_PAUSED)
            for topic_id, since in topics.all_paused_topics().items()
        }
        held = claims.held(claim_ids)
        self._read_at = now
        return cancelled, paused, held


def wait_until_stopped(notification_ids: Iterable[UUID]) -> int:
    """Wait until no worker will write another message of these notifications to a provider.

    That is when none is being sent, or after ``PATIENCE`` seconds. Returns how many deliveries are
    being sent then: those were written to a provider that is slow to answer, or their worker is
    gone.

    Raises ``RuntimeError`` where it would have to wait inside a transaction: workers see a cancel
    only once it is committed.
    """
    ids = list(notification_ids)

    def sending() -> int:
        every = selectors.state_counts(ids).values()
        return sum(counts.get(DeliveryState.SENDING, 0) for counts in every)

    poll(lambda: None if sending() else True, PATIENCE)
    return sending()
