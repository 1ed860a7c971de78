"""One fault under load, from the first request until all is quiet again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from faults.harness import account
from faults.harness.account import Account
from faults.harness.fault import Duplicates, Fault
from faults.harness.load import CODES_PER_SECOND, Audiences, Load, Posted
from faults.harness.service import CAPACITY, Service, until
from stack.errors import StackError

#: People of the blast, and of what is cancelled and of what expires beside it.
BLAST, BESIDE = 1_200, 200
#: Seconds the push provider takes to answer, so that a fault finds work in hand.
SLOW = 0.3
#: Seconds for which one-time codes go on when all is whole again.
AFTERWARDS = 0.5
#: Seconds until the fault finds work in hand.
BEGUN = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table."""

    fault: Fault
    account: Account
    bound: int
    recovery: float
    seconds: float
    quiet: bool
    #: What was not held: lost, doubled, sent too late, answered wrongly.
    problems: list[str] = field(default_factory=list)
    #: What took longer than its bar, which says as much of the machine and its hour.
    late: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.problems and not self.late

    @property
    def codes_p99(self) -> float | None:
        """Seconds within which 99 of 100 one-time codes were with their provider."""
        waits = self.account.codes
        return waits[min(len(waits) - 1, int(len(waits) * 0.99))] if waits else None


class Trial:
    """What a fault acts with: the line, the load, and the marks it sets as it breaks and heals.

    ``left_waiting``: deliveries that the fault leaves waiting for hours, as it should.
    ``forgotten``: the database lost what it had taken, so the provider may have what it does not.
    ``wants_receipts``: text messages are at rest when they are delivered.
    """

    def __init__(
        self, service: Service, audiences: Audiences, seed: int, size: int = BLAST
    ) -> None:
        self.service = service
        self.audiences = audiences
        self.rng = random.Random(seed)
        self.load = Load(service, audiences, self.rng)
        self.size = size
        self.in_flight = 0
        self.broken_at = self.healed_at = 0.0
        self.left_waiting = 0
        self.wants_receipts = False
        self.forgotten = False
        self.problems: list[str] = []
        self.late: list[str] = []

    def publish(
        self,
        *,
        slow: float = SLOW,
        channel: str = "push",
        codes: int = CODES_PER_SECOND,
        **fields: Any,
    ) -> Posted:
        """Begin the whole load: the blast, what is cancelled, what expires, one-time codes.

        ``slow``: seconds the push provider takes to answer, 0 where it does something else.
        ``codes``: one-time codes a second.
        """
        if slow:
            self.service.sandbox.behave("fcm", "slow", seconds=slow)
        self.load.start_codes(codes)
        blast = self.load.blast(self.size, channel, **fields)
        self.load.publish_and_cancel(BESIDE)
        self.load.expiring(BESIDE)
        return blast

    def begun(self, at_least: int = 1, provider: str = "fcm") -> None:
        """Wait until so many were sent, and then for a moment: the fault comes in the middle."""
        self.until(
            lambda: self.service.sandbox.counts()[provider]["deliveries"] >= at_least,
            BEGUN,
            f"{at_least} deliveries at {provider}",
        )
        time.sleep(self.rng.uniform(0.0, 0.3))

    def done(self, posted: Posted) -> bool:
        """Whether all of this notification is at rest."""
        return self.service.call("GET", f"/v1/notifications/{posted.id}")["state"] == "done"

    def broken(self) -> None:
        """It is broken now; what is being sent may be sent again."""
        self.broken_at = self.healed_at = time.time()
        self.in_flight = self.service.sql(
            "SELECT count(*) FROM delivery_delivery "
            "WHERE state = 'sending' AND notification_id = ANY(%s::uuid[])",
            list(self.load.posted),
        )[0][0]

    def lasts(self, seconds: float) -> None:
        """Leave it broken for so long."""
        time.sleep(seconds)

    def forget_lost(self, seconds: float) -> None:
        """What the database took in the seconds before it broke may be gone, and what it did not
        know to be sent is sent again."""
        self.forgotten = True
        posted = list(self.load.posted)
        kept = self.service.sql(
            "SELECT id::text FROM delivery_notification WHERE id = ANY(%s::uuid[])", posted
        )
        for key in set(posted) - {key for (key,) in kept}:
            del self.load.posted[key]
        since = self.broken_at - seconds - account.ON_THE_WAY
        self.in_flight += sum(
            since < e["at"] < self.healed_at for e in account.ledger(self.service)
        )

    def healed(self) -> None:
        """It is whole again: recovery is counted from here."""
        self.healed_at = time.time()

    def settled(self) -> None:
        """Wait until all is at rest, with nothing healed: the fault may last."""
        time.sleep(AFTERWARDS)
        self.load.stop()
        until(self._quiet, "all is at rest")

    def hold(self, truth: object, sentence: str) -> None:
        """Where it is not true, the sentence is why the trial failed."""
        if not truth:
            self.problems.append(sentence)

    def in_time(self, took: float, bar: float, what: str) -> None:
        """Where it took longer than its bar, the trial was late."""
        if took > bar:
            self.late.append(f"{what} after {took:.1f} s, at most {bar:g} s")

    def until(self, condition: Callable[[], Any], bar: float, what: str) -> None:
        """Wait for it, patiently, and hold the time it takes against its bar."""
        self.in_time(until(condition, what), bar, what)

    def run(self, fault: Fault) -> Result:
        """Act, wait until all is quiet, and balance the books."""
        began, before = time.monotonic(), self._notifications()
        try:
            fault.act(self)
        except (StackError, OSError) as error:
            self.problems.append(str(error))
        self.broken_at = self.broken_at or time.time()
        self.healed_at = self.healed_at or self.broken_at
        quiet = True
        try:
            self.settled()
        except StackError as error:
            quiet = False
            self.problems.append(str(error))
        made = self._notifications() - before
        self.hold(
            made == len(self.load.posted),
            f"{made} notifications were made, and {len(self.load.posted)} answered with 202",
        )
        books = account.balance(
            self.load.posted,
            account.rows(self.service, self.load.posted),
            account.ledger(self.service),
            self.healed_at,
            forgotten=self.forgotten,
        )
        recovery = max(0.0, books.last_change - self.healed_at)
        seconds = time.monotonic() - began
        return self._judged(fault, books, recovery, seconds, quiet)

    def _notifications(self) -> int:
        [(number,)] = self.service.sql("SELECT count(*) FROM delivery_notification")
        return int(number)

    def _quiet(self) -> bool:
        [(chunks,)] = self.service.sql("SELECT count(*) FROM delivery_chunk WHERE state <> 'done'")
        [(open_,)] = self.service.sql(
            "SELECT count(*) FROM delivery_delivery WHERE notification_id = ANY(%s::uuid[]) "
            "AND state IN ('queued', 'sending', 'retrying')",
            list(self.load.posted),
        )
        [(untold,)] = self.service.sql(
            "SELECT count(*) FROM delivery_delivery WHERE notification_id = ANY(%s::uuid[]) "
            "AND channel = 'sms' AND state = 'accepted'",
            list(self.load.posted),
        )
        [(unread,)] = self.service.sql(
            "SELECT count(*) FROM delivery_receipt WHERE read_at IS NULL"
        )
        if unread or (self.wants_receipts and untold):
            return False
        return not chunks and open_ == self.left_waiting

    def _judged(
        self, fault: Fault, books: Account, recovery: float, seconds: float, quiet: bool
    ) -> Result:
        bound = {
            Duplicates.NEVER: 0,
            Duplicates.IN_FLIGHT: self.in_flight,
            Duplicates.CAPACITY: CAPACITY,
            Duplicates.UNANSWERED: books.unanswered,
        }[fault.duplicates]
        problems = [*self.problems, *self.load.problems, *books.problems]
        late = [*self.late, *self.load.late]
        result = Result(fault, books, bound, recovery, seconds, quiet, problems, late)
        if books.accepted != books.terminal + books.waiting:
            problems.append("accepted is not terminal and waiting together")
        if books.waiting != self.left_waiting:
            problems.append(f"{books.waiting} wait, and {self.left_waiting} should")
        if books.duplicates > bound:
            problems.append(f"{books.duplicates} duplicates, at most {bound} were expected")
        if books.after_cancel:
            problems.append(f"{books.after_cancel} calls after the cancel was answered")
        if books.after_expiry:
            problems.append(f"{books.after_expiry} calls after expiry")
        p99 = result.codes_p99
        if fault.codes is not None and p99 is not None and p99 > fault.codes:
            late.append(f"one-time codes waited {p99:.2f} s, at most {fault.codes:g} s")
        if recovery > fault.recovery:
            late.append(f"at rest after {recovery:.1f} s, at most {fault.recovery:g} s")
        return result
