"""A trial: one fault under load, from the first request until all work is done."""

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

#: People of the blast, and of the notifications beside it that are cancelled or expire.
BLAST, BESIDE = 1_200, 200
#: Seconds that the push provider takes to answer, so that work is in flight when the fault begins.
SLOW = 0.3
#: Seconds for which one-time codes continue after everything is healed.
AFTERWARDS = 0.5
#: Seconds after which enough work is in flight for the fault to begin.
BEGUN = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a trial: a row of the table."""

    fault: Fault
    account: Account
    bound: int
    recovery: float
    seconds: float
    quiet: bool
    #: Sentences on broken promises: lost, sent twice or too late, answered wrongly.
    problems: list[str] = field(default_factory=list)
    #: Sentences on what took longer than its bar, which may be the machine's fault.
    late: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.problems and not self.late

    @property
    def codes_p99(self) -> float | None:
        """Seconds within which 99 of 100 one-time codes reached their provider."""
        waits = self.account.codes
        return waits[min(len(waits) - 1, int(len(waits) * 0.99))] if waits else None


class Trial:
    """The tools of a fault: the service, the load, and marks for when it breaks and heals.

    ``left_waiting``: deliveries that must still wait at the end, for hours. ``forgotten``: whether
    the database lost committed rows, so that the provider may have messages it does not know.
    ``wants_receipts``: whether text messages are done only when they are delivered.
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
        """Start the whole load: the blast, notifications that are cancelled or expire, codes.

        ``slow``: seconds that the push provider takes to answer, 0 where it has another behaviour.
        ``codes``: one-time codes per second.
        """
        if slow:
            self.service.sandbox.behave("fcm", "slow", seconds=slow)
        self.load.start_codes(codes)
        blast = self.load.blast(self.size, channel, **fields)
        self.load.publish_and_cancel(BESIDE)
        self.load.expiring(BESIDE)
        return blast

    def begun(self, at_least: int = 1, provider: str = "fcm") -> None:
        """Wait until so many were sent, and a moment longer, so that the fault is in the middle."""
        self.until(
            lambda: self.service.sandbox.counts()[provider]["deliveries"] >= at_least,
            BEGUN,
            f"{at_least} deliveries at {provider}",
        )
        time.sleep(self.rng.uniform(0.0, 0.3))

    def done(self, posted: Posted) -> bool:
        """Return whether all deliveries of this notification are done."""
        found = self.service.call("GET", f"/v1/notifications/{posted.id}")
        return bool(found["state"] == "done")

    def broken(self) -> None:
        """Mark that it is broken now; deliveries in flight may be sent again."""
        self.broken_at = self.healed_at = time.time()
        self.in_flight = self.service.sql(
            "SELECT count(*) FROM delivery_delivery "
            "WHERE state = 'sending' AND notification_id = ANY(%s::uuid[])",
            list(self.load.posted),
        )[0][0]

    def lasts(self, seconds: float) -> None:
        """Leave it broken for so many seconds."""
        time.sleep(seconds)

    def forget_lost(self, seconds: float) -> None:
        """Allow that the database lost the last ``seconds`` before it broke.

        Notifications of that time may be gone, and deliveries recorded then may be sent again.
        """
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
        """Mark that it is healed: recovery is counted from now."""
        self.healed_at = time.time()

    def settled(self) -> None:
        """Wait until all work is done while the fault lasts."""
        time.sleep(AFTERWARDS)
        self.load.stop()
        until(self._quiet, "all is at rest")

    def hold(self, truth: object, sentence: str) -> None:
        """Fail the trial with ``sentence`` unless ``truth`` is true."""
        if not truth:
            self.problems.append(sentence)

    def in_time(self, took: float, bar: float, what: str) -> None:
        """Record that the trial was late where it took longer than ``bar`` seconds."""
        if took > bar:
            self.late.append(f"{what} after {took:.1f} s, at most {bar:g} s")

    def until(self, condition: Callable[[], Any], bar: float, what: str) -> None:
        """Wait for a condition, and compare the time with its bar in seconds."""
        self.in_time(until(condition, what), bar, what)

    def run(self, fault: Fault) -> Result:
        """Run the fault, wait until all work is done, and compare both sides."""
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
