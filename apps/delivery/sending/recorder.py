"""Recording: the outcomes of all claims that have some now, in one transaction.

A process keeps outcomes until they are recorded. While the database does not answer, the recorder
retries, the claims' leases are renewed as soon as they can be, and nothing more is claimed.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, TypeVar

from django.db import ProgrammingError, connection

from apps.core import clock
from apps.core.database_errors import AWAY
from apps.core.delivery_ids import public_id
from apps.core.processes import progress
from apps.delivery import state
from apps.delivery.flow import address_guards, breakers
from apps.delivery.monitoring import metrics
from apps.delivery.outbox.reserved import reserve
from apps.delivery.sending import capping, judging
from apps.delivery.sending.admission import Admission
from apps.delivery.sending.claiming import Claim
from apps.delivery.state import ClaimLost, Result, counts
from notifier.dispatch.dispatcher import Sent
from notifier.domain.outcomes import Accepted, Reason
from notifier.providers.base import log_bug
from notifier.resilience import dead_addresses
from notifier.resilience.isolation import isolate

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds between attempts to record; the last value repeats.
AGAIN = (0.1, 0.5, 2.0)
#: Errors that say nothing about a single result, so that dividing the batch would not find one at
#: fault. A ``ProgrammingError`` is a worker that runs beside the schema of another version.
NOBODYS_FAULT = (ClaimLost, counts.CountsLocked, ProgrammingError, *AWAY)
#: Outcomes that one transaction records, roughly.
AT_ONCE = 2_000
#: Seconds after which a claim is closed again that was locked, if no outcomes arrive before.
CLOSE_AGAIN = 0.1
#: Seconds between two transactions while fewer than ``FEW`` outcomes arrive: many small
#: transactions cost as much as large ones, and nobody waits for the record of an acceptance.
SPACING, FEW = 0.1, 250


class OutcomeBatch(NamedTuple):
    """Outcomes of some messages of a claim.

    ``last``: no message of the claim is being sent any more.
    """

    claim: Claim
    batch: list[Sent]
    admission: Admission
    last: bool


class Recorder(threading.Thread):
    """Records outcomes from one thread per process; those that arrive meanwhile go together next.

    ``recorded`` is called on this thread with each batch that was recorded, and with whether some
    deliveries of its claim are due at once; ``closed`` with each claim that has nothing left.
    """

    def __init__(
        self,
        recorded: Callable[[OutcomeBatch, bool], None],
        closed: Callable[[Claim], None],
    ) -> None:
        super().__init__(name="recorder", daemon=True)
        self._recorded = recorded
        self._closed = closed
        #: Claims by id that have nothing left to record, and were locked when they were closed.
        self._locked: dict[int, Claim] = {}
        #: Ids of claims with outcomes that could not be recorded: they are not closed, so that
        #: others take these deliveries up once the lease has run out.
        self._incomplete: set[int] = set()
        self._waiting: queue.SimpleQueue[OutcomeBatch | None] = queue.SimpleQueue()
        self._began = 0.0
        #: Set while the database answers.
        self.healthy = threading.Event()
        self.healthy.set()

    def put(self, outcomes: OutcomeBatch) -> None:
        """Record these outcomes soon."""
        self._waiting.put(outcomes)

    def stop(self) -> None:
        """End the thread once everything that was put before this is recorded."""
        self._waiting.put(None)

    def run(self) -> None:
        """Record until ``stop``."""
        reserve()
        while self._record_next():
            pass

    def _record_next(self) -> bool:
        """Wait for outcomes and record all there are; return whether ``stop`` was not called.

        A call of its own, so that recorded claims are not kept while it waits for the next ones.
        """
        progress.rest()
        waiting = self._take()
        progress.turn()
        if waiting is None:
            return False
        finished = self._locked | {one.claim.id: one.claim for one in waiting if one.last}
        moved, locked = set[int](), set[int]()
        try:
            moved, locked = self._record(waiting, finished)
        except Exception as error:  # this thread must survive every error
            log_bug("recording", error)
            self._incomplete.update(one.claim.id for one in waiting)
        finally:
            connection.close()
        self._locked = {key: claim for key, claim in finished.items() if key in locked}
        for one in waiting:
            with _logged("returning capacity"):
                self._recorded(one, one.claim.id in moved)
        for claim in (finished[key] for key in finished.keys() - locked):
            self._incomplete.discard(claim.id)
            with _logged("letting go of a claim"):
                self._closed(claim)
        return True

    def _take(self) -> list[OutcomeBatch] | None:
        """Wait for outcomes and return all there are, or None after ``stop``.

        There are none where only locked claims are to be closed again.
        """
        taken: list[OutcomeBatch] = []
        number, at_once = 0, False
        while number < AT_ONCE:
            until = 0.0 if at_once or number >= FEW else self._began + SPACING
            if taken:
                left: float | None = max(0.0, until - time.monotonic())
            else:
                left = CLOSE_AGAIN if self._locked else None
            try:
                one = self._waiting.get(timeout=left)
            except queue.Empty:
                break
            if one is None:
                if not taken:
                    return None
                self._waiting.put(None)
                break
            taken.append(one)
            number += len(one.batch)
            at_once = at_once or not all(isinstance(sent.outcome, Accepted) for sent in one.batch)
        self._began = time.monotonic()
        return taken

    def _record(
        self, waiting: Sequence[OutcomeBatch], finished: Collection[int]
    ) -> tuple[set[int], set[int]]:
        """Record all batches, and close the ``finished`` claims.

        Returns the ids of claims with deliveries that are due at once, and of finished ones that
        others have locked.
        """
        judged = []
        for one in waiting:
            try:
                judged.append((one, *self._judge(one)))
            except Exception as error:  # it costs only this claim its record
                log_bug(f"judging claim {one.claim.id}", error)
                self._incomplete.add(one.claim.id)
        results = [result for _, _, some in judged for result in some]
        lost, locked = self._write(
            results,
            finished=set(finished) - self._incomplete,
            ordered=any(one.claim.ordered for one in waiting),
            digests=any(one.claim.digests for one in waiting),
        )
        for one, batch, some in judged:
            if not lost.isdisjoint(result.delivery_id for result in some):
                kept = [
                    (sent, result)
                    for sent, result in zip(batch, some, strict=True)
                    if result.delivery_id not in lost
                ]
                batch, some = [sent for sent, _ in kept], [result for _, result in kept]
            with _logged("counting what is recorded"):
                self._count(one.claim, batch, some)
        with _logged("restoring addresses"):
            self._restore_addresses(results)
        return {result.claim_id for result in results if result.moved}, locked

    def _judge(self, one: OutcomeBatch) -> tuple[list[Sent], list[Result]]:
        """Return a batch's outcomes, and what is to be recorded of each, in one order.

        An outcome that cannot be judged, as one that a provider made wrongly, costs no other its
        record, and is recorded as what the provider said of it.
        """
        batch = _checked(one.batch)
        results: list[Result] = []

        def judge(some: Sequence[Sent]) -> None:
            found = partial(judging.results, one.claim, some, one.admission)
            results.extend(self._retry_until_answered(found))

        failed = isolate(batch, judge)
        if failed:
            odd = {sent.message.id for sent, _ in failed}
            batch = [sent for sent in batch if sent.message.id not in odd]
        for sent, error in failed:
            about = {
                "notification_id": sent.message.notification_id,
                "delivery_id": sent.message.id,
            }
            log_bug(f"judging delivery {sent.message.id}", error, about)
            batch.append(sent)
            results.append(judging.plain_result(one.claim, sent))
        return batch, results

    def _count(self, claim: Claim, batch: Sequence[Sent], results: Sequence[Result]) -> None:
        """Count and trace what is on record."""
        if claim.counted is not None:
            capping.give_back(claim.queue.channel, claim.counted, results)
        if claim.traces is not None:
            claim.traces.recorded(batch, results, self._began)
        metrics.observe(claim.queue, batch, results, _posted_at(claim))

    def _write(
        self, results: Sequence[Result], *, finished: Collection[int], ordered: bool, digests: bool
    ) -> tuple[set[int], set[int]]:
        """Record ``results``, and close the ``finished`` claims.

        Returns the ids of deliveries that could not be recorded, and of locked claims.

        Results whose claim was released to another worker are left to it. Any other result that
        fails does not cost the rest their record: it is recorded without its provider's message
        id, status and detail, or, if that fails too, left until its claim's lease ends and another
        worker takes it up.
        """
        lost, locked, closed = set[int](), set[int](), False

        def write(some: Sequence[Result]) -> None:
            """Record what is not another worker's; close the claims if ``some`` is everything."""
            nonlocal closed, locked
            whole = len(some) == len(results)
            while some:
                done = finished if whole else ()
                record = partial(
                    state.record, some, finished=done, ordered=ordered, digests=digests
                )
                try:
                    left = self._retry_until_answered(partial(counts.retry_when_locked, record))
                except ClaimLost:
                    kept = self._retry_until_answered(partial(state.still_claimed, some))
                    released = {r.delivery_id for r in some} - {r.delivery_id for r in kept}
                    lost.update(released)
                    log.warning(
                        "%d deliveries were released to other workers while they were sent; "
                        "duplicates are possible",
                        len(released),
                    )
                    some = kept
                else:
                    if whole:
                        closed, locked = True, left
                    return

        failed = isolate(results, write, whole=NOBODYS_FAULT)
        for result, error in failed:
            about = {
                "notification_id": result.notification_id,
                "delivery_id": public_id(result.delivery_id),
            }
            log_bug(f"recording delivery {result.delivery_id}", error, about)
        plain = [r._replace(provider_message_id="", status=None, detail="") for r, _ in failed]
        unwritten = [result for result, _ in isolate(plain, write, whole=NOBODYS_FAULT)]
        lost.update(result.delivery_id for result in unwritten)
        self._incomplete.update(result.claim_id for result in unwritten)
        rest = set(finished) - {result.claim_id for result in unwritten}
        if rest and not closed:
            locked = self._retry_until_answered(partial(state.record, (), finished=rest))
        return lost, locked

    def _retry_until_answered(self, what: Callable[[], T]) -> T:
        """Call ``what`` until the database answers, and return its result.

        What was sent and is not recorded would be sent twice.
        """
        number = 0
        while True:
            progress.step()
            try:
                found = what()
                self.healthy.set()
                return found
            except AWAY as error:
                self.healthy.clear()
                log.warning("outcomes are not recorded yet: %s", type(error).__name__)
                connection.close()
                time.sleep(AGAIN[min(number, len(AGAIN) - 1)])
                number += 1

    def _restore_addresses(self, results: Sequence[Result]) -> None:
        """Restore addresses that were given up before their provider's guard opened."""
        guarded = {
            r.provider for r in results if r.reason == Reason.MANY_DEAD_ADDRESSES and r.outcome
        }
        if not guarded:
            return
        try:
            address_guards.restore_addresses(guarded)
        except AWAY as error:
            log.warning("addresses wait for the sweep to be restored: %s", type(error).__name__)


def _checked(batch: Sequence[Sent]) -> list[Sent]:
    """Report outcomes to breakers and guards; return them as far as their provider is believed.

    Where that fails no address is given up for them.
    """
    try:
        breakers.report(batch)
        return address_guards.check_answers(batch)
    except Exception as error:  # the outcomes have to be recorded all the same
        log_bug("reporting outcomes to breakers and guards", error)
        return [one._replace(outcome=dead_addresses.as_our_fault(one.outcome)) for one in batch]


@contextmanager
def _logged(doing: str) -> Iterator[None]:
    """Log an error of what follows a record: that must not be lost with it."""
    try:
        yield
    except Exception as error:
        log_bug(doing, error)


def _posted_at(claim: Claim) -> dict[str, float]:
    """Return when each notification should first have gone out, by this machine's clock.

    Those for a local time are left out: that is another moment in each zone.
    """
    return {
        key: clock.to_local(one.posted_at.timestamp())
        for key, one in claim.contexts.items()
        if not one.row.send_at_local
    }
