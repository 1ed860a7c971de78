"""The worker of a process: claim, send and record until a queue is empty."""

import itertools
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from django.db import connection

from apps.core.database_errors import FAILURES
from apps.core.processes import heartbeat, progress
from apps.delivery.fanout import chunking
from apps.delivery.monitoring import metrics
from apps.delivery.outbox import backlog
from apps.delivery.outbox.leases import LeaseKeeper
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming, runtime
from apps.delivery.sending.admission import Admission, admit, refuse
from apps.delivery.sending.capacity import Capacity
from apps.delivery.sending.claiming import Claim
from apps.delivery.sending.messages import messages
from apps.delivery.sending.recorder import OutcomeBatch, Recorder
from notifier.dispatch.dispatcher import Sent
from notifier.domain.messages import Message
from notifier.domain.priorities import Priority

log = logging.getLogger(__name__)

#: Seconds after which a process polls a queue where no doorbell has rung, multiples of the least.
POLL_EVERY = {Priority.HIGH: 0.25, Priority.NORMAL: 1.0, Priority.LOW: 2.0}
#: Claims of one queue that a process prepares at a time: one waits for the database while another
#: is rendered.
AT_ONCE = 2
#: Least seconds between two log lines about polls that fail.
QUIET_SECONDS = 30.0
#: Seconds that a full process waits for capacity before it checks whether it is to stop.
ROOM_SECONDS = 0.25


class Worker:
    """Empties queues for one process.

    ``attend`` empties queues from threads of its own, one a queue, which wait until they are woken
    up; one more thread polls for all of them. ``empty`` is also called by doorbells' tasks.
    """

    def __init__(self) -> None:
        self.capacity = Capacity(settings.CHUNK_SIZE)
        self._leases = LeaseKeeper()
        self._recorder = Recorder(self._recorded, self._closed)
        self._doorbells: dict[Queue, threading.Event] = {}
        self._slots: dict[Queue, threading.BoundedSemaphore] = {}
        #: Queues whose doorbell rang while all their slots were taken.
        self._rung: set[Queue] = set()
        #: Number of messages without an outcome, by claim; 0 until the claim is closed, too.
        self._left: dict[int, int] = {}
        #: Queues whose publishers held all they may, and how many messages were held then.
        self._full: dict[Queue, int] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._warned = 0.0
        self._leases.start()
        self._recorder.start()

    def attend(self, queues: Iterable[Queue]) -> None:
        """Empty these queues from now on, even if no doorbell rings. Call once."""
        self._doorbells = {queue: threading.Event() for queue in queues}
        for queue in self._doorbells:
            threading.Thread(
                target=self._attend, args=[queue], name=f"empty {queue.name}", daemon=True
            ).start()
        if self._doorbells:
            threading.Thread(target=self._poll, name="poll", daemon=True).start()

    def wake(self, queue: Queue) -> None:
        """Empty the queue now, if this process attends to it."""
        if (doorbell := self._doorbells.get(queue)) is not None:
            doorbell.set()

    def empty(self, queue: Queue) -> int:
        """Claim and send until nothing can be claimed; return the number of deliveries claimed.

        Returns while messages are still being sent; see ``join``. Does nothing where ``AT_ONCE``
        threads empty the queue already: they go on until nothing is left.
        """
        slots = self._slots.setdefault(queue, threading.BoundedSemaphore(AT_ONCE))
        if not slots.acquire(blocking=False):
            self._rung.add(queue)  # a thread that ends now may have missed the newest rows
            if not slots.acquire(blocking=False):
                return 0
        try:
            self._rung.discard(queue)
            return self._claim_all(queue) if queue.channel else chunking.empty(queue)
        finally:
            slots.release()
            connection.close()
            progress.rest()
            if queue in self._rung:
                self.wake(queue)

    def join(self, seconds: float) -> bool:
        """Wait up to ``seconds`` until everything claimed is recorded; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._left, seconds)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping.set()
        for doorbell in self._doorbells.values():
            doorbell.set()

    def close(self, seconds: float) -> None:
        """Stop, and wait up to ``seconds`` until everything claimed is recorded."""
        self.stop()
        self.join(seconds)
        self._leases.stop()
        self._recorder.stop()

    def _poll(self) -> None:
        """Wake up each queue that has work, every ``POLL_EVERY`` seconds.

        One statement asks for all queues whose time has come.
        """
        every = {queue: POLL_EVERY[Priority(queue.priority)] for queue in self._doorbells}
        tick = min(every.values())
        for number in itertools.count():
            if self._stopping.wait(tick):
                return
            asked = [queue for queue in every if number % round(every[queue] / tick) == 0]
            progress.turn()
            runtime.ask_event_loop()
            with self._surviving("polling"):
                for queue in backlog.ages(asked):
                    self.wake(queue)
                heartbeat.beat()
            progress.rest()

    def _attend(self, queue: Queue) -> None:
        """Empty the queue each time it is woken up."""
        doorbell = self._doorbells[queue]
        while not self._stopping.is_set():
            doorbell.wait()
            doorbell.clear()
            with self._surviving(f"emptying {queue.name}"):
                self.empty(queue)

    @contextmanager
    def _surviving(self, doing: str) -> Iterator[None]:
        """Log every error, since the thread must survive it, and return the connection."""
        try:
            yield
        except FAILURES as error:
            if time.monotonic() - self._warned > QUIET_SECONDS:
                self._warned = time.monotonic()
                log.warning("%s failed: %s", doing, type(error).__name__)
        except Exception:
            log.exception("%s failed", doing)
        finally:
            connection.close()

    def _claim_all(self, queue: Queue) -> int:
        total = 0
        while not self._stopping.is_set() and self._recorder.healthy.is_set():
            progress.turn(f"empty {queue.name}")
            if not self.capacity.wait(ROOM_SECONDS):
                continue
            taken = self.capacity.taken
            found = claiming.claim(queue, self.capacity)
            if found.claim is not None:
                total += len(found.claim.deliveries)
                self.send(found.claim)
            if found.rows and not found.more:
                break
            if not found.rows:
                if found.full:
                    self._full[queue] = taken
                    self._wake_full()  # what was held may have been recorded since
                break
        return total

    def _wake_full(self) -> None:
        """Poll full queues at once when a quarter of a claim has been recorded since."""
        taken = self.capacity.taken
        for queue, before in list(self._full.items()):
            if not taken or before - taken >= settings.CHUNK_SIZE / 4:
                self._full.pop(queue, None)
                self.wake(queue)

    def send(self, claim: Claim) -> None:
        """Send a claim; its outcomes are recorded as they arrive.

        If admission fails, its messages are deferred and the error is raised again. If anything
        else fails, nothing is sent, and another process takes the claim once its lease has run out.
        """
        connection.close()  # back to the pool while messages are rendered
        watched = claim.watched
        taken = claim.by_publisher(item.notification_id for item in claim.deliveries)
        self._leases.hold(claim.id)
        self.capacity.take(taken)
        with self._changed:
            self._left[claim.id] = len(claim.deliveries)
        begun = False
        try:
            runtime.cancellation_watcher().watch(watched, claim.since)
            ready, unreadable = messages(claim)
            try:
                admission = admit(claim, ready)
            except Exception as error:  # its lease is renewed, so no other worker would take it up
                self._send(claim, refuse(claim, error), ready, unreadable)
                begun = True
                raise
            self._send(claim, admission, ready, unreadable)
        except BaseException:
            if not begun:
                self._leases.release(claim.id)
                runtime.cancellation_watcher().unwatch(watched)
                self.capacity.give(taken)
                self._forget(claim)
            raise

    def _send(
        self, claim: Claim, admission: Admission, ready: list[Message], unreadable: list[Sent]
    ) -> None:
        report = partial(self._report, claim, admission)
        if ready:
            runtime.event_loop().send(ready, admission.gates, report)
        if unreadable:  # last: once something is reported, the claim cannot be left to others
            report(unreadable)

    def _report(self, claim: Claim, admission: Admission, batch: list[Sent]) -> None:
        """Hand outcomes of some messages to the recorder, also from the event loop's thread."""
        with self._changed:
            self._left[claim.id] -= len(batch)
            last = not self._left[claim.id]
        self._recorder.put(OutcomeBatch(claim, batch, admission, last))

    def _recorded(self, outcomes: OutcomeBatch, again: bool) -> None:
        """Return capacity for outcomes that are recorded. Called on the recorder's thread.

        ``again``: some deliveries of the claim are due at once, at another provider.
        """
        claim = outcomes.claim
        if again:  # a one-time password cannot wait for the next poll
            self.wake(claim.queue)
        # Only now: what is sent and not recorded still takes memory.
        self.capacity.give(
            claim.by_publisher(sent.message.notification_id for sent in outcomes.batch)
        )
        self._wake_full()
        if outcomes.last:
            runtime.cancellation_watcher().unwatch(claim.watched)
            metrics.observe_load(runtime.built_providers())

    def _closed(self, claim: Claim) -> None:
        """Let go of a claim of which everything is recorded. Called on the recorder's thread."""
        self._leases.release(claim.id)
        if claim.traces is not None:
            claim.traces.close()
        self._forget(claim)

    def _forget(self, claim: Claim) -> None:
        with self._changed:
            del self._left[claim.id]
            self._changed.notify_all()
