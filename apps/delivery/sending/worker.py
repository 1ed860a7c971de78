"""A worker process's way of emptying queues: claim, send, record, until nothing is left."""

import logging
import threading
import time
from collections.abc import Collection, Iterable
from functools import partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from sqlalchemy.exc import TimeoutError as PoolExhausted

from apps.delivery.fanout import chunking
from apps.delivery.flow import availability
from apps.delivery.monitoring import metrics
from apps.delivery.outbox.leases import LeaseKeeper
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming, runtime
from apps.delivery.sending.admission import admit
from apps.delivery.sending.capacity import Capacity
from apps.delivery.sending.claiming import Claim
from apps.delivery.sending.messages import held, messages
from apps.delivery.sending.recorder import OutcomeBatch, Recorder
from notifier.dispatch.dispatcher import Sent
from notifier.domain.priorities import Priority

log = logging.getLogger(__name__)

#: Seconds after which a process looks into its queues by itself, where no doorbell has rung.
POLL_EVERY = {Priority.HIGH: 0.25, Priority.NORMAL: 1.0, Priority.LOW: 2.0}
#: Claims of one queue that a process prepares at a time: one waits for the database while another
#: is rendered.
AT_ONCE = 2
#: A look that fails is told about once in so many seconds.
QUIET_SECONDS = 30.0
#: Seconds that a full process waits for room before it looks whether it is to stop.
ROOM_SECONDS = 0.25
#: What a look may fail with while the database is away.
AWAY = (DatabaseError, InterfaceError, PoolExhausted)


class Worker:
    """What one process holds of any queues. Threads begin with the first claim, or ``attend``."""

    def __init__(self) -> None:
        self.capacity = Capacity(settings.CHUNK_SIZE)
        self._leases = LeaseKeeper()
        self._recorder = Recorder(self._recorded)
        self._bells: dict[Queue, threading.Event] = {}
        self._slots: dict[Queue, threading.BoundedSemaphore] = {}
        #: Queues that were rung for while nobody more could look into them.
        self._rung: set[Queue] = set()
        self._left: dict[int, int] = {}
        #: Queues whose publishers held all they may, and how much was held then.
        self._full: dict[Queue, int] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._told = 0.0
        self._leases.start()
        self._recorder.start()

    def attend(self, queues: Iterable[Queue]) -> None:
        """Look into these queues from now on, though no doorbell rings."""
        for queue in queues:
            if queue not in self._bells:
                self._bells[queue] = threading.Event()
                threading.Thread(
                    target=self._look, args=[queue], name=f"look {queue.name}", daemon=True
                ).start()

    def wake(self, queue: Queue) -> None:
        """Look into the queue at once, if this process attends to it."""
        if (bell := self._bells.get(queue)) is not None:
            bell.set()

    def empty(self, queue: Queue) -> int:
        """Claim and send until nothing can be claimed; how many deliveries that were.

        Returns once all is under way; see ``join``. Does nothing where as many threads as are
        useful do it already: they go on until nothing is left.
        """
        slots = self._slots.setdefault(queue, threading.BoundedSemaphore(AT_ONCE))
        if not slots.acquire(blocking=False):
            self._rung.add(queue)  # who ends now may not have seen what came meanwhile
            if not slots.acquire(blocking=False):
                return 0
        try:
            self._rung.discard(queue)
            return self._empty(queue) if queue.channel else chunking.empty(queue)
        finally:
            slots.release()
            connection.close()
            if queue in self._rung:
                self.wake(queue)

    def join(self, seconds: float) -> bool:
        """Wait until everything claimed is on record; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._left, seconds)

    def stop(self) -> None:
        """Claim nothing any more."""
        self._stopping.set()
        for bell in self._bells.values():
            bell.set()

    def close(self, seconds: float) -> None:
        """Stop, and wait so long for what is under way."""
        self.stop()
        self.join(seconds)
        self._leases.stop()
        self._recorder.stop()

    def _look(self, queue: Queue) -> None:
        """Empty the queue whenever its bell rings, and now and then."""
        bell = self._bells[queue]
        while not self._stopping.is_set():
            bell.wait(POLL_EVERY[Priority(queue.priority)])
            bell.clear()
            try:
                self.empty(queue)
            except AWAY as error:
                self._tell(queue, error)
                connection.close()
            except Exception:  # this thread must outlive whatever there is
                log.exception("looking into %s", queue.name)

    def _tell(self, queue: Queue, error: Exception) -> None:
        if time.monotonic() - self._told > QUIET_SECONDS:
            self._told = time.monotonic()
            log.warning("nobody can look into %s now: %s", queue.name, type(error).__name__)

    def _empty(self, queue: Queue) -> int:
        total = 0
        while not self._stopping.is_set() and self._recorder.healthy.is_set():
            if not self.capacity.wait(ROOM_SECONDS):
                continue
            if availability.shut([queue.channel]):  # what waits goes on waiting
                break
            taken = self.capacity.taken
            found = claiming.claim(queue, self.capacity)
            if found.claim is not None:
                total += len(found.claim.deliveries)
                self._begin(found.claim)
            if found.rows and not found.more:
                break
            if not found.rows:
                if found.full:
                    self._full[queue] = taken
                    self._call()  # all that was held may be sent by now
                break
        return total

    def _call(self) -> None:
        """Look at once into queues that found no room, once there is some for part of a claim."""
        taken = self.capacity.taken
        for queue, before in list(self._full.items()):
            if not taken or before - taken >= settings.CHUNK_SIZE / 4:
                self._full.pop(queue, None)
                self.wake(queue)

    def _begin(self, claim: Claim) -> None:
        """Send what was claimed; its outcomes are recorded as they come."""
        self._leases.hold(claim.id)
        self.capacity.take(claim.by_publisher(item.notification_id for item in claim.deliveries))
        with self._changed:
            self._left[claim.id] = len(claim.deliveries)
        runtime.cancellation_watcher().watch(claim.watched, claim.since)
        try:
            connection.close()  # back to the pool while messages are made
            ready, unreadable = messages(claim)
            admission = admit(claim, ready)
        except Exception as error:  # nobody else would ever send it
            self._ended(claim, (), list(held(claim, error)))
            raise
        report = partial(self._ended, claim, admission.closed)
        if unreadable:
            report(unreadable)
        if ready:
            runtime.engine().send(ready, admission.gates, report)

    def _ended(self, claim: Claim, closed: Collection[str], batch: list[Sent]) -> None:
        """Some messages have outcomes. Called on the event loop's thread, too."""
        with self._changed:
            self._left[claim.id] -= len(batch)
            last = not self._left[claim.id]
        self._recorder.put(OutcomeBatch(claim, batch, closed, last))

    def _recorded(self, outcomes: OutcomeBatch, again: bool) -> None:
        """They are on record. Called on the recorder's thread."""
        claim = outcomes.claim
        if again:  # another provider is asked at once: a one-time password has no second
            self.wake(claim.queue)
        # Not before: what is sent and not recorded takes as much memory.
        self.capacity.give(
            claim.by_publisher(sent.message.notification_id for sent in outcomes.batch)
        )
        self._call()
        if outcomes.last:
            runtime.cancellation_watcher().leave(claim.watched)
            self._leases.release(claim.id)
            metrics.observe_load(runtime.built_providers())
            with self._changed:
                del self._left[claim.id]
                self._changed.notify_all()
