"""The base of all providers, and tables that map their errors to outcomes."""

import asyncio
import logging
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import FAULT, Fault, Outcome, Reason, Refused, Retry, Unknown, clip
from notifier.resilience.concurrency import START, Concurrency
from notifier.resilience.fair_queue import Flow
from notifier.resilience.worker_pool import WorkerPool
from notifier.transport.http import NoAnswer, NotWritten

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds. The HTTP client enforces the deadline; a call that still hangs so much later is
#: cancelled.
GRACE_SECONDS = 5.0


class Sent(NamedTuple):
    """One attempt and its outcome. ``started_at``: unix seconds; ``duration``: seconds."""

    message: Message
    provider: str
    outcome: Outcome
    started_at: float
    duration: float


#: Reasons that suggest that a provider is overloaded.
OVERLOAD = frozenset({Reason.RATE_LIMITED, Reason.PROVIDER_ERROR, Reason.TIMEOUT, Reason.NO_ANSWER})

#: Called once for each message with its outcome.
Report = Callable[[Sent], None]


class Provider:
    """One account at one provider. Built once per process, used from one event loop.

    A subclass implements ``send``, or ``send_chunk`` where one call carries many messages, and
    finds an ``Outcome``. It never raises for what a provider may answer, never repeats a call that
    may have been written, and never logs an address or content, nor puts them into an outcome's
    ``detail``.

    ``timeout``: seconds for one call, connecting and answer together. ``concurrency``: most calls
    in flight; there are fewer while the provider is slow or failing
    (``notifier.resilience.concurrency``).
    """

    #: True if all calls go to one server, whose response times set the number of calls in flight.
    #: If not, each publisher and each host has a share of them, so that slow hosts leave slots.
    one_server = True
    #: True if a connection carries many calls, so that a few connections are enough.
    shares_connections = False

    def __init__(self, name: str, *, timeout: float = 10.0, concurrency: int = 256) -> None:
        self.name = name
        self.timeout = timeout
        self._pool: WorkerPool[Any] = WorkerPool(concurrency, shares=not self.one_server)
        self._calls = _Calls(timeout + GRACE_SECONDS)
        self._concurrency = concurrency
        start = concurrency if self.shares_connections else START
        self._adaptive = Concurrency(concurrency, start=start)
        self._share: int | None = None

    @property
    def limit(self) -> int:
        """The number of calls that may be in flight now."""
        return self._pool.limit

    @property
    def under_way(self) -> int:
        """The number of calls in flight."""
        return self._calls.number

    def allow(self, share: int | None) -> None:
        """Limit calls in flight to this process's share of the account's; ``None``: no limit."""
        if share != self._share:
            self._share = share
            self._set_limit()

    def _set_limit(self) -> None:
        limit = self._adaptive.limit if self.one_server else self._concurrency
        if self._share is not None:
            limit = min(limit, self._share)
        if limit != self._pool.limit:
            self._pool.limit = limit

    def _ended(self, outcome: object, seconds: float) -> None:
        """Adapt the limit to a call that ended."""
        failed = isinstance(outcome, Retry | Unknown) and outcome.reason in OVERLOAD
        under_way = self._calls.number + 1
        if self.one_server and self._adaptive.ended(seconds, failed, under_way, time.monotonic()):
            self._set_limit()

    def _begins(self) -> None:
        """Reset the limit before calls that follow a long pause."""
        if self.one_server and self._adaptive.begins(time.monotonic()):
            self._set_limit()

    async def send(self, message: Message) -> Outcome:
        """Send one message in one call."""
        raise NotImplementedError(f"{type(self).__name__} implements neither send nor send_chunk")

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        """Send all messages concurrently, and ``report`` each with its outcome."""
        await self._each(messages, self.send, report)

    async def close(self) -> None:
        """Close connections; the provider is not used afterwards."""

    def _flow(self, message: Message) -> Flow:
        """Return the flow (publisher and host) that a message's call belongs to."""
        return message.publisher_id, ""

    async def _each(
        self,
        messages: Sequence[Message],
        send: Callable[[Message], Awaitable[Outcome]],
        report: Report,
    ) -> None:
        async def one(message: Message) -> None:
            started_at, started = time.time(), time.perf_counter()
            if self._stopped(message, started_at, report):
                return
            outcome = await self._outcome(send(message), message.id)
            duration = time.perf_counter() - started
            self._ended(outcome, duration)
            report(Sent(message, self.name, outcome, started_at, duration))

        self._begins()
        await self._pool.run(messages, one, self._flow)

    def _stopped(self, message: Message, now: float, report: Report) -> bool:
        """Return whether a message must not be sent any more, and if so report it.

        Called right before the call, since the message may have waited in the pool.
        """
        if message.deadline is not None and now >= message.deadline:
            report(Sent(message, self.name, Refused(Reason.EXPIRED), now, 0.0))
            return True
        if message.halt is not None and (held := message.halt.stops(self.name)):
            report(Sent(message, "", held, now, 0.0))
            return True
        return False

    async def _outcome(self, call: Awaitable[T], delivery_id: str) -> T | Outcome:
        """Return what the call returns, or the outcome that its failure means. Never raises."""
        task = self._calls.begin()
        try:
            return await call
        except NotWritten as error:
            return Retry(Reason.CONNECTION, detail=clip(str(error)))
        except NoAnswer as error:
            return Unknown(
                Reason.TIMEOUT if error.timed_out else Reason.NO_ANSWER, clip(str(error))
            )
        except asyncio.CancelledError:
            if not self._calls.gave_up(task):
                raise
            return Unknown(Reason.TIMEOUT, "no outcome within the deadline")
        except Exception as error:  # a bug in a provider must cost one attempt, not a chunk
            about = {"delivery_id": delivery_id}
            log_bug(f"provider {self.name}, delivery {delivery_id}", error, about)
            return Retry(Reason.INTERNAL, detail=type(error).__name__)
        finally:
            self._calls.end(task)


class _Calls:
    """The calls in flight, each cancelled after ``patience`` seconds.

    One timer watches the oldest: a timer for each would cost a tenth of the call.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._begun: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._checking = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def number(self) -> int:
        return len(self._begun)

    def begin(self) -> asyncio.Task[Any]:
        """Register the current task's call."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        # Given the loop, since Python 3.11 makes a system call each time to find it.
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._begun[task] = time.monotonic()
        if not self._checking:
            self._checking = True
            self._loop.call_later(self._patience, self._check)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        del self._begun[task]
        self._given_up.discard(task)

    def gave_up(self, task: asyncio.Task[Any]) -> bool:
        """Return whether the task was cancelled only because its call took too long."""
        return task in self._given_up and not task.uncancel()

    def _check(self) -> None:
        now = time.monotonic()
        for task, since in self._begun.items():  # the oldest first
            left = since + self._patience - now
            if left > 0:
                asyncio.get_running_loop().call_later(left, self._check)
                return
            if task not in self._given_up:
                self._given_up.add(task)
                task.cancel()
        self._checking = False


def log_bug(where: str, error: Exception, about: Mapping[str, str] | None = None) -> None:
    """Log an error's class and traceback without its text, which may quote an address.

    ``about``: more attributes of the log record. The traceback is its attribute ``trace``.
    """
    trace = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s", where, type(error).__name__, extra={**(about or {}), "trace": trace})


@dataclass(frozen=True, slots=True)
class Rule:
    """The meaning of one of a provider's errors: a row of the table at the top of its module.

    ``again``: whether a later try may help. ``pause``: seconds until then where the provider names
    none; the retry policy's wait counts where it is longer. ``disable``: whether the address is
    given up, which is allowed only for errors that an address alone can cause.
    """

    reason: Reason
    again: bool = False
    disable: bool = False
    pause: float | None = None

    def __post_init__(self) -> None:
        if self.disable and FAULT[self.reason] is not Fault.ADDRESS:
            raise ValueError(f"{self.reason} is no address's fault")

    def outcome(self, status: int | None, detail: str, after: float | None = None) -> Outcome:
        if self.again:
            return Retry(self.reason, self.pause if after is None else after, status, clip(detail))
        return Refused(self.reason, status, clip(detail), self.disable)


#: The rule for an error that no rule names. Providers have codes for faults of a message or an
#: address, so this is another fault: a wrong URL, a proxy, a permission.
UNEXPLAINED = Rule(Reason.SENDER_REFUSED)
#: Rules by status, for answers without a code of the provider (RFC 9110 15.5, 15.6).
STATUS_RULES = {
    401: Rule(Reason.AUTHENTICATION),
    403: Rule(Reason.AUTHENTICATION),
    408: Rule(Reason.PROVIDER_ERROR, again=True),
    413: Rule(Reason.TOO_LARGE),
    425: Rule(Reason.RATE_LIMITED, again=True),
    429: Rule(Reason.RATE_LIMITED, again=True),
}


def status_rule(status: int, otherwise: Rule = UNEXPLAINED) -> Rule:
    """Return the rule for a status that is not 2xx."""
    if status >= 500:
        return Rule(Reason.PROVIDER_ERROR, again=True)
    return STATUS_RULES.get(status, otherwise)


_CODE = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}")


def code_of(value: object) -> str:
    """Return a provider's error code or field name; empty for anything else.

    Longer texts are dropped because they may quote an address.
    """
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def unreadable() -> Unknown:
    """Return the outcome of a 2xx without the expected id: the provider may have the message."""
    return Unknown(Reason.PROVIDER_ERROR, "the answer cannot be read")


class Shared(Generic[T]):
    """A cache of encoded messages, for the messages of one chunk that have the same content.

    ``encode`` must use nothing of a message but its content and the fields in ``_framing``; with
    ``content=False`` not its content either.
    """

    def __init__(self, encode: Callable[[Message], T], *, content: bool = True) -> None:
        self._encode = encode
        self._content = content
        self._done: dict[tuple[object, ...], tuple[Content, T]] = {}

    def __getitem__(self, message: Message) -> T:
        key = _framing(message)
        if self._content:
            key += (id(message.content),)
        found = self._done.get(key)
        if found is None:  # the content is kept too, so that no other gets its id()
            found = self._done[key] = (message.content, self._encode(message))
        return found[1]


def _framing(message: Message) -> tuple[object, ...]:
    return (
        message.priority,
        message.platform,
        message.notification_id,
        message.topic,
        message.collapse_key,
        message.deadline,
    )
