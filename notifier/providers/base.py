"""What every provider is: a name, and ``send`` or, where one call carries many, ``send_chunk``."""

import asyncio
import logging
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
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

#: The wire has the deadline; this much later, whatever still hangs is given up.
GRACE_SECONDS = 5.0


class Sent(NamedTuple):
    """One attempt and what it came to. ``started_at`` in unix seconds, ``duration`` in seconds."""

    message: Message
    provider: str
    outcome: Outcome
    started_at: float
    duration: float


#: What a provider says, or does, that has too much to do.
OVERLOAD = frozenset({Reason.RATE_LIMITED, Reason.PROVIDER_ERROR, Reason.TIMEOUT, Reason.NO_ANSWER})

#: Called once for each message, as its outcome comes.
Report = Callable[[Sent], None]


class Provider:
    """One account at one provider. Built once a process, used from one event loop.

    A subclass implements ``send`` or ``send_chunk`` and finds an ``Outcome``; it never raises for
    what a provider may answer, never tries again what may have been written, and never logs an
    address or content, nor puts them into an outcome's ``detail``. ``timeout`` (seconds) is the
    deadline of one call, connection and answer together; at most ``concurrency`` calls are under
    way, and fewer while the provider is slow or failing (``notifier.resilience.concurrency``).
    """

    #: Whether all calls go to one server, whose pace says how many it carries. Elsewhere each
    #: publisher and each host has a share of them, so that the slow ones leave room.
    one_server = True
    #: Whether a connection carries many calls: then a few connections are enough for all of them.
    shares_connections = False

    def __init__(self, name: str, *, timeout: float = 10.0, concurrency: int = 256) -> None:
        self.name = name
        self.timeout = timeout
        self._pool: WorkerPool[Any] = WorkerPool(concurrency, shares=not self.one_server)
        self._calls = _Calls(timeout + GRACE_SECONDS)
        self._concurrency = concurrency
        start = concurrency if self.shares_connections else START
        self._carries = Concurrency(concurrency, start=start)
        self._share: int | None = None

    @property
    def limit(self) -> int:
        """How many calls may be under way now."""
        return self._pool.limit

    @property
    def under_way(self) -> int:
        """How many are."""
        return self._calls.number

    def allow(self, share: int | None) -> None:
        """At most so many calls under way: this process's share of what the account may have."""
        if share != self._share:
            self._share = share
            self._set_limit()

    def _set_limit(self) -> None:
        limit = self._carries.limit if self.one_server else self._concurrency
        if self._share is not None:
            limit = min(limit, self._share)
        if limit != self._pool.limit:
            self._pool.limit = limit

    def _ended(self, outcome: object, seconds: float) -> None:
        """A call ended so; it may be time for more or fewer of them."""
        failed = isinstance(outcome, Retry | Unknown) and outcome.reason in OVERLOAD
        under_way = self._calls.number + 1
        if self.one_server and self._carries.ended(seconds, failed, under_way, time.monotonic()):
            self._set_limit()

    def _begins(self) -> None:
        """Calls are about to be made: after a rest, a few at first."""
        if self.one_server and self._carries.begins(time.monotonic()):
            self._set_limit()

    async def send(self, message: Message) -> Outcome:
        """One call for one message."""
        raise NotImplementedError(f"{type(self).__name__} implements neither send nor send_chunk")

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        """Send all of them concurrently; ``report`` each as its outcome comes."""
        await self._each(messages, self.send, report)

    async def close(self) -> None:
        """Close connections; the provider is not used afterwards."""

    def _flow(self, message: Message) -> Flow:
        """Whose turn the call for a message takes."""
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
        """Whether it must not be sent any more, which is reported. Asked right before it would be:
        it may have waited for its turn."""
        if message.deadline is not None and now >= message.deadline:
            report(Sent(message, self.name, Refused(Reason.EXPIRED), now, 0.0))
            return True
        if message.halt is not None and (held := message.halt.stops(self.name)):
            report(Sent(message, "", held, now, 0.0))
            return True
        return False

    async def _outcome(self, call: Awaitable[T], delivery_id: str) -> T | Outcome:
        """What the call returns, or what its failure means: it never takes others down."""
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
            log_bug(f"provider {self.name}, delivery {delivery_id}", error)
            return Retry(Reason.INTERNAL, detail=type(error).__name__)
        finally:
            self._calls.end(task)


class _Calls:
    """The calls under way, each cancelled after ``patience`` seconds.

    One timer waits for the oldest: a timer for each would cost a tenth of the call.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._begun: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._looking = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def number(self) -> int:
        return len(self._begun)

    def begin(self) -> asyncio.Task[Any]:
        """The current task makes a call now."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        # To find the loop, Python 3.11 asks the system for the process's id each time.
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._begun[task] = time.monotonic()
        if not self._looking:
            self._looking = True
            self._loop.call_later(self._patience, self._look)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        del self._begun[task]
        self._given_up.discard(task)

    def gave_up(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task's call was cancelled for taking too long, and by nobody else."""
        return task in self._given_up and not task.uncancel()

    def _look(self) -> None:
        now = time.monotonic()
        for task, since in self._begun.items():  # the oldest first
            left = since + self._patience - now
            if left > 0:
                asyncio.get_running_loop().call_later(left, self._look)
                return
            if task not in self._given_up:
                self._given_up.add(task)
                task.cancel()
        self._looking = False


def log_bug(where: str, error: Exception) -> None:
    """Log its kind and trace without its text, which may quote an address or content."""
    trace = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: %s\n%s", where, type(error).__name__, trace)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one of a provider's errors means: a row of the table at the top of its file.

    ``again``: trying later may help. ``pause``: seconds until then where the provider names none
    (its own first pause; the retry policy's wait counts where it is longer). ``disable``: the
    address is given up, which only what an address alone can cause may do.
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


#: An error that no rule names, of a provider that has words for what is wrong with a message or
#: an address: a wrong URL, a proxy, a permission. It is held against neither of them.
UNEXPLAINED = Rule(Reason.SENDER_REFUSED)
#: What statuses mean where a provider's own words say nothing (RFC 9110 15.5, 15.6).
STATUS_RULES = {
    401: Rule(Reason.AUTHENTICATION),
    403: Rule(Reason.AUTHENTICATION),
    408: Rule(Reason.PROVIDER_ERROR, again=True),
    413: Rule(Reason.TOO_LARGE),
    425: Rule(Reason.RATE_LIMITED, again=True),
    429: Rule(Reason.RATE_LIMITED, again=True),
}


def status_rule(status: int, otherwise: Rule = UNEXPLAINED) -> Rule:
    """The rule for a status that is not 2xx."""
    if status >= 500:
        return Rule(Reason.PROVIDER_ERROR, again=True)
    return STATUS_RULES.get(status, otherwise)


_CODE = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}")


def code_of(said: object) -> str:
    """A provider's code for an error, or the field it names; empty for anything longer or odder,
    which may quote an address."""
    return said if isinstance(said, str) and _CODE.fullmatch(said) else ""


def unreadable() -> Unknown:
    """A 2xx without the id that proves it: the provider may have the message."""
    return Unknown(Reason.PROVIDER_ERROR, "the answer cannot be read")


class Shared(Generic[T]):
    """Work done once for all messages of a chunk that say the same, and kept as long as it.

    ``encode`` must use nothing of a message but its content and what ``_framing`` names; without
    ``content``, not its content either.
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
        if found is None:  # kept with the content, lest another one gets its id()
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
