"""A circuit breaker: stops calls to a provider that keeps failing, for a while.

While closed, it counts failures, and enough of them open it. While open, no call is made until the
cool-down is over. Then it is half open: a few messages go through as probes, and their outcomes
close it, or open it for twice as long. The transitions of ``Status`` take the time as an argument
and do no I/O; ``Breaker``, of which each process has one per provider, has a clock and a store.
"""

import threading
from collections.abc import Callable, Container, Iterable
from dataclasses import astuple, dataclass, field, fields, replace
from enum import StrEnum
from typing import Protocol

import orjson

from notifier.domain.outcomes import Accepted, Held, Outcome, Reason

#: Reasons that are the provider's own fault. With any other answer it is up.
FAILURES = frozenset({Reason.PROVIDER_ERROR, Reason.CONNECTION, Reason.TIMEOUT, Reason.NO_ANSWER})
#: Failures of a provider whose messages another one takes meanwhile: refused credentials count too.
#: Without another provider, what it refuses are dead letters.
FAILURES_BESIDE_ANOTHER = FAILURES | {Reason.AUTHENTICATION}
#: Reasons that say nothing about the provider: it was not called, or the mistake is ours.
NOT_CALLED = frozenset({Reason.INTERNAL, Reason.EXPIRED, Reason.NO_PROVIDER, Reason.ENDPOINT_DOWN})
#: Seconds for which a process relies on its last view of a closed breaker, and keeps successes to
#: itself.
BELIEVED = 1.0
#: Seconds after which messages beyond an allowance check whether the probes succeeded.
PROBE_WAIT = 2.0
#: Tries of a change while other processes change the same breaker.
TRIES = 5


class State(StrEnum):
    """The state of a breaker."""

    CLOSED = "closed"  # every message goes through
    OPEN = "open"  # none does
    HALF_OPEN = "half_open"  # a few do, to see


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds at which a breaker opens, and its cooldowns. Times are in seconds.

    It opens after ``failures`` in a row, or when a ``share`` of at least ``calls`` within
    ``window`` failed. The ``cooldown`` doubles with each failed round of probes, up to
    ``longest_cooldown``. Half open, it lets ``probes`` messages through, and as many again where no
    outcome came within ``patience``; it opens again when a probe fails and so did at least a
    ``probe_share`` of them. ``what``, ``failed`` and ``probe_failed`` are display text: what is
    counted, that it failed, and that a probe did.
    """

    failures: int = 20
    share: float = 0.5
    calls: int = 50
    window: float = 30.0
    cooldown: float = 5.0
    longest_cooldown: float = 120.0
    probes: int = 5
    patience: float = 20.0
    probe_share: float = 0.0
    what: str = "calls"
    failed: str = "failed"
    probe_failed: str = "it failed"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of calls. ``trailing``: failures since the last success among them."""

    calls: int = 0
    failures: int = 0
    trailing: int = 0

    def __add__(self, later: "Tally") -> "Tally":
        all_failed = later.failures == later.calls
        return Tally(
            self.calls + later.calls,
            self.failures + later.failures,
            later.trailing + self.trailing if all_failed else later.trailing,
        )


def tally(outcomes: Iterable[Outcome], failing: Container[Reason] = FAILURES) -> Tally:
    """Count outcomes, given in the order in which they came, by what they say of the provider."""
    calls = failures = trailing = 0
    for outcome in outcomes:
        if type(outcome) is not Accepted:
            reason = getattr(outcome, "reason", None)
            if type(outcome) is Held or reason in NOT_CALLED:
                continue
            if reason in failing:
                calls, failures, trailing = calls + 1, failures + 1, trailing + 1
                continue
        calls, trailing = calls + 1, 0
    return Tally(calls, failures, trailing)


@dataclass(frozen=True, slots=True)
class Allowance:
    """``capacity`` messages may go through; others try again at ``until`` (unix seconds)."""

    capacity: int
    until: float


@dataclass(frozen=True, slots=True)
class Status:
    """A breaker's state and counts. Times are in unix seconds.

    ``since``, ``why``: when and why it came into its state. ``streak``: failures in a row, since
    ``streak_since``; ``calls`` and ``failures``: since ``window`` began. ``began``: when the
    failures that opened it began. ``trusted_until``: nothing is counted before that.
    """

    state: State = State.CLOSED
    since: float = 0.0
    why: str = ""
    streak: int = 0
    window: float = 0.0
    calls: int = 0
    failures: int = 0
    cooldown: float = 0.0
    streak_since: float = 0.0
    began: float = field(default=0.0, compare=False)  # changes only with the state
    trusted_until: float = 0.0

    def shut(self, now: float, rules: Rules) -> bool:
        """Return whether no message may go through now: it cools down, or probes are in flight."""
        match self.state:
            case State.OPEN:
                return now < self.since + self.cooldown
            case State.HALF_OPEN:
                return now < self.since + rules.patience
        return False

    def at(self, now: float, rules: Rules) -> "Status":
        """Return the status at a time: an open one is half open once its cool-down is over."""
        if self.state is State.OPEN and not self.shut(now, rules):
            return replace(self, state=State.HALF_OPEN, since=self.since + self.cooldown)
        return self

    def asked(self, now: float, rules: Rules) -> tuple["Status", Allowance | None]:
        """Return the status after an allowance was given, and that; ``None`` is no limit."""
        if self.state is State.CLOSED:
            return self, None
        if self.shut(now, rules):
            cooled = self.since + self.cooldown
            return self, Allowance(0, cooled if self.state is State.OPEN else now + PROBE_WAIT)
        half_open = replace(self, state=State.HALF_OPEN, since=now)
        return half_open, Allowance(rules.probes, now + PROBE_WAIT)

    def after(self, calls: Tally, now: float, rules: Rules) -> "Status":
        """Return the status after these calls."""
        match self.state:
            case State.OPEN:
                return self  # they began before it opened
            case State.HALF_OPEN if calls.failures > 0 and (
                calls.failures >= rules.probe_share * calls.calls
            ):
                longer = min(2 * self.cooldown, rules.longest_cooldown)
                why = f"{rules.probe_failed} when it was tried again"
                return Status(State.OPEN, now, why, cooldown=longer, began=self.began)
            case State.HALF_OPEN:
                return Status(State.CLOSED, now, "it answered when tried again")
        if now < self.trusted_until:
            return self
        counted = self._counted(calls, now, rules)
        if counted.streak >= rules.failures:
            why = f"{counted.streak} {rules.what} in a row {rules.failed}"
        elif counted.calls >= rules.calls and counted.failures >= rules.share * counted.calls:
            why = f"{counted.failures} of {counted.calls} {rules.what} {rules.failed}"
        else:
            return counted
        began = min(counted.window, counted.streak_since or counted.window)
        return Status(State.OPEN, now, why, cooldown=rules.cooldown, began=began)

    def _counted(self, calls: Tally, now: float, rules: Rules) -> "Status":
        all_failed = calls.failures == calls.calls
        streak = self.streak + calls.trailing if all_failed else calls.trailing
        goes_on = all_failed and self.streak > 0
        streak_since = self.streak_since if goes_on else now if streak else 0.0
        if now >= self.window + rules.window:
            return replace(
                self,
                streak=streak,
                streak_since=streak_since,
                window=now,
                calls=calls.calls,
                failures=calls.failures,
            )
        return replace(
            self,
            streak=streak,
            streak_since=streak_since,
            calls=self.calls + calls.calls,
            failures=self.failures + calls.failures,
        )

    def encode(self) -> bytes:
        return orjson.dumps(astuple(self))

    @classmethod
    def decode(cls, packed: bytes) -> "Status":
        """Decode a status; a new one for empty bytes and for those of another release."""
        try:
            state, *rest = orjson.loads(packed)
            same = len(rest) + 1 == len(fields(cls))
            return cls(State(state), *rest) if same else cls()
        except (ValueError, TypeError):
            return cls()


class Store(Protocol):
    """The store in which processes share statuses."""

    def swap(self, name: str, expected: bytes, new: bytes) -> tuple[bool, bytes]:
        """Replace ``expected`` (empty: no value) by ``new``, if it is the current value.

        Returns whether it was, and the value afterwards.
        """
        ...


class LocalStore:
    """A store of this process alone; a name without a value has the one the caller expects."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def swap(self, name: str, expected: bytes, new: bytes) -> tuple[bool, bytes]:
        if self._values.setdefault(name, expected) != expected:
            return False, self._values[name]
        self._values[name] = new
        return True, new

    def forget(self) -> None:
        """Drop all values."""
        self._values.clear()


class Breaker:
    """One provider's breaker in one process; used from any thread.

    A closed one calls the store rarely: successes are reported once in ``BELIEVED`` seconds,
    failures at once.
    """

    def __init__(self, name: str, rules: Rules, store: Store, clock: Callable[[], float]) -> None:
        self._name = name
        self._rules = rules
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._packed = b""
        self._status = Status()
        self._before = self._status
        self._seen_at = self._reported_at = float("-inf")
        self._unreported = Tally()

    def allowance(self) -> Allowance | None:
        """Return how many messages may go through now; ``None`` is no limit."""
        with self._lock:
            now = self._clock()
            if self._status.state is State.CLOSED and now - self._seen_at < BELIEVED:
                return None
            if self._change(lambda status: status.asked(now, self._rules)[0]):
                return self._before.asked(now, self._rules)[1]
            return Allowance(0, now + PROBE_WAIT)  # other processes are asking, and send the probes

    def report(self, calls: Tally) -> None:
        """Count these calls."""
        with self._lock:
            now = self._clock()
            self._unreported += calls
            unremarkable = not (self._unreported.failures or self._status.streak)
            closed = self._status.state is State.CLOSED
            if closed and unremarkable and now - self._reported_at < BELIEVED:
                return
            unreported = self._unreported
            if self._change(lambda status: status.after(unreported, now, self._rules)):
                self._unreported, self._reported_at = Tally(), now

    def status(self) -> Status:
        """Return the status now, from a view that is at most ``BELIEVED`` seconds old."""
        return self._seen().at(self._clock(), self._rules)

    def shut(self) -> bool:
        """Return whether nothing may go through now, from a view of the same age."""
        return self._seen().shut(self._clock(), self._rules)

    def cools(self) -> bool:
        """Return whether it cools down, as far as this process knows; does not ask the store.

        A process that calls the provider knows soon: its own failures are reported at once.
        """
        status = self._status
        return status.state is State.OPEN and status.shut(self._clock(), self._rules)

    def _seen(self) -> Status:
        with self._lock:
            if self._clock() - self._seen_at >= BELIEVED:
                self._change(lambda status: status)
            return self._status

    def close(self, why: str, trusted: float = 0.0) -> None:
        """Close it for everybody, whoever changes it meanwhile; count nothing for ``trusted`` s."""
        with self._lock:
            now = self._clock()
            closed = Status(State.CLOSED, now, why, trusted_until=now + trusted)
            while not self._change(lambda status: closed):
                pass

    def _change(self, move: Callable[[Status], Status]) -> bool:
        """Apply ``move`` to the shared status; return whether that succeeded within ``TRIES``."""
        for _ in range(TRIES):
            self._before = self._status
            wanted = move(self._status)
            new = self._packed if wanted == self._status else wanted.encode()
            done, found = self._store.swap(self._name, self._packed, new)
            self._seen_at = self._clock()
            self._packed = found
            if done:
                self._status = wanted
                return True
            self._status = Status.decode(found)
        return False
