"""The hub: all connections of this process, and the loops that send them what changed."""

import asyncio
import logging
import random
import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram

from apps.core import clock
from apps.core.database_errors import FAILURES
from apps.core.processes import heartbeat
from apps.inbox.selectors import Counts
from apps.inbox.stream import events
from apps.inbox.stream.bell_listener import BellListener
from apps.inbox.stream.connections import Connection
from apps.inbox.stream.events import Event
from apps.inbox.stream.events_of_inboxes import NOTHING, InboxChanges, latest, ping, read_changes
from apps.inbox.stream.statements import WHOLE
from apps.inbox.stream.traces import SentTraces

log = logging.getLogger(__name__)
T = TypeVar("T")
A = TypeVar("A")
K = TypeVar("K")

#: Inboxes that are read at once.
AT_ONCE = 200
#: Seconds without an event after which a connection gets a heartbeat.
HEARTBEAT = 25.0
#: Seconds between two polls of all versions: for messages that were lost, and without Redis.
EVERY, EVERY_WITHOUT_BELL = 10.0, 2.0
#: Seconds that a client may take to read what was written.
SLOWEST = 30.0
#: Seconds until the next attempt while the database does not answer, and for somebody whose inbox
#: cannot be read; of the latter twice as long each time, up to the second number.
PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: Seconds that a read of many may take, and then one of each of them alone: others wait for it.
READ_WITHIN = 5.0
#: Seconds that a stopping process waits for clients to take its last event.
LONGEST_STOP = 5.0
#: Milliseconds after which clients come back: spread, so that they do not all come at once. They
#: are sent it at the beginning, since a process that is killed sends nothing at its end.
RETRY = (1_000, 6_000)

OPEN = Gauge(
    "notifier_stream_connections", "Open connections of the stream.", multiprocess_mode="livesum"
)
POLLING = Gauge(
    "notifier_stream_polling",
    "1 where a stream hears no bell, because Redis is away, and polls for changes.",
    multiprocess_mode="livemax",
)
SENT = Counter("notifier_stream_events_total", "Events that were sent, by their name.", ["event"])
SECONDS = Histogram(
    "notifier_stream_seconds",
    "Seconds from a change of an inbox until it was written to a connection that had all before.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


class Hub:
    """The connections of a process. Its methods are called in the event loop."""

    def __init__(self) -> None:
        self._of_user: dict[str, list[Connection]] = {}
        self._of_origin: Tally[str] = Tally()
        self._user_of: dict[int, str] = {}
        self._id_of: dict[str, int] = {}
        self._strangers: set[str] = set()
        self._wanted: dict[str, None] = {}
        self._wants = asyncio.Event()
        self._poll_now = asyncio.Event()
        self._hears_bell = False
        self.stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        # People whose inboxes are read one by one, and seconds until the next attempt. Those who
        # are read alone for the first time do not wait for those whom that did not help.
        self._apart: dict[str, float] = {}
        self._next_apart: asyncio.Queue[str] = asyncio.Queue()
        self._next_again: asyncio.Queue[str] = asyncio.Queue()
        # One for each loop that reads, and two for reads that took longer than READ_WITHIN.
        self._threads = ThreadPoolExecutor(6, thread_name_prefix="stream")
        self._fails = False
        self._listener: BellListener | None = None

    def start(self) -> None:
        """Start the loops, and the thread that hears the bell."""
        loop = asyncio.get_running_loop()
        steps = [self._send_changes, self._read_apart, self._read_again, self._poll, self._attend]
        self._tasks = [loop.create_task(self._forever(step)) for step in steps]

        def in_loop(what: Callable[[T], None]) -> Callable[[T], None]:
            def call(argument: T) -> None:
                with suppress(RuntimeError):  # the loop is closed: the process ends
                    loop.call_soon_threadsafe(what, argument)

            return call

        self._listener = BellListener(in_loop(self._rung), in_loop(self._set_hears_bell))
        self._listener.start()

    async def stop(self) -> None:
        """Ask every client to come back a little later, and end the responses."""
        self.stopping = True
        if self._listener is not None:
            self._listener.stop()
        for connection in self._all():
            self._finish(connection, Event.RESTART)
        deadline = time.monotonic() + LONGEST_STOP
        while any(one.busy for one in self._all()) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False)

    # -- Connections --------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Connections that are open, or being admitted."""
        return self._of_origin.total()

    def of_person(self, user_id: str) -> int:
        """Return how many connections a person has."""
        return len(self._of_user.get(user_id, ()))

    def of_origin(self, origin: str) -> int:
        """Return how many connections come from pages of an origin, also not admitted ones."""
        return self._of_origin[origin]

    @contextmanager
    def counted(self, origin: str) -> Iterator[None]:
        """Count a connection for the limits: from before it is admitted until it has ended."""
        self._of_origin[origin] += 1
        try:
            yield
        finally:
            self._of_origin[origin] -= 1
            if not self._of_origin[origin]:
                del self._of_origin[origin]

    def add(self, connection: Connection) -> None:
        """Send a connection what it has missed, and from now on what changes."""
        self._of_user.setdefault(connection.user_id, []).append(connection)
        connection.freed = self._want
        OPEN.inc()
        self._want(connection.user_id)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        mine = self._of_user[connection.user_id]
        mine.remove(connection)
        if not mine:
            del self._of_user[connection.user_id]
            self._strangers.discard(connection.user_id)
            self._user_of.pop(self._id_of.pop(connection.user_id, 0), None)
        OPEN.dec()

    def _all(self) -> list[Connection]:
        return [connection for mine in self._of_user.values() for connection in mine]

    # -- What changed -------------------------------------------------------------------------

    def _want(self, user_id: str) -> None:
        if user_id not in self._apart:
            self._wanted[user_id] = None
            self._wants.set()

    def _rung(self, recipient_ids: Iterable[int]) -> None:
        for recipient_id in recipient_ids:
            user_id = self._user_of.get(recipient_id)
            if user_id is not None:
                self._want(user_id)

    def _set_hears_bell(self, rings: bool) -> None:
        self._hears_bell = rings
        POLLING.set(not rings)
        self._poll_now.set()  # for what was rung meanwhile

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except Exception:  # the others must be served all the same
                log.exception("the stream goes on after an error")
                await asyncio.sleep(PAUSE)

    async def _send_changes(self) -> None:
        """Read inboxes that have changed, and send the changes to their connections."""
        await self._wants.wait()
        people = list(islice(self._wanted, AT_ONCE))
        for user_id in people:
            del self._wanted[user_id]
        if not self._wanted:
            self._wants.clear()
        if await self._read_and_send(people, READ_WITHIN, READ_WITHIN):
            return
        answers = await self._answers()
        for user_id in people:
            if answers:
                # One inbox that cannot be read must not keep changes from the others.
                self._wanted.pop(user_id, None)
                self._apart[user_id] = PAUSE
                self._next_apart.put_nowait(user_id)
            else:
                self._want(user_id)

    async def _read_apart(self) -> None:
        """Read the inbox of one of those who could not be read together."""
        await self._read_alone(await self._next_apart.get(), READ_WITHIN)

    async def _read_again(self) -> None:
        """Read the inbox of somebody who could not be read alone either: it may take long."""
        await self._read_alone(await self._next_again.get(), None)

    async def _read_alone(self, user_id: str, limit: float | None) -> None:
        delay = self._apart[user_id]
        try:
            done = user_id not in self._of_user or await self._read_and_send([user_id], limit)
            if not done and await self._answers():
                self._apart[user_id] = min(2 * delay, LONGEST_PAUSE)
        except Exception:  # nothing would be sent to them ever again
            log.exception("the stream cannot send somebody what has changed")
            done, delay = False, LONGEST_PAUSE
        if done:
            del self._apart[user_id]
            self._want(user_id)  # for what changed while it was read
        else:
            asyncio.get_running_loop().call_later(delay, self._next_again.put_nowait, user_id)

    async def _answers(self) -> bool:
        """Return whether the database answers at all; wait a moment where it does not."""
        if await self._ask(ping, ()) is not None:
            return True
        await asyncio.sleep(PAUSE)
        return False

    async def _read_and_send(
        self, people: Sequence[str], limit: float | None, within: float | None = None
    ) -> bool:
        """Read inboxes and send their connections the changes; return whether it could read them.

        ``limit``: seconds after which PostgreSQL ends each statement; ``within``: seconds after
        which nobody waits for it.
        """
        asked = {
            user_id: {one.asked for one in self._of_user[user_id] if one.asked is not None}
            for user_id in people
            if user_id in self._of_user
        }
        found = await self._ask(partial(read_changes, limit=limit), asked, within)
        if found is None:
            return False
        traces = SentTraces()
        for user_id in asked:
            try:
                self._send_to_person(user_id, found.get(user_id), traces)
            except Exception:  # the others must be served all the same
                log.exception("the stream cannot send what it has read")
        traces.record()
        return True

    async def _poll(self) -> None:
        """Poll, after some time, for what no message named: it was lost, or Redis is away."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY if self._hears_bell else EVERY_WITHOUT_BELL):
                await self._poll_now.wait()
        self._poll_now.clear()
        people = iter(list(self._user_of))
        while some := list(islice(people, 10 * AT_ONCE)):
            for recipient_id, version in (await self._ask(latest, some) or {}).items():
                user_id = self._user_of.get(recipient_id, "")
                if any((one.since or 0) < version for one in self._of_user.get(user_id, ())):
                    self._want(user_id)
        for user_id in self._strangers:
            self._want(user_id)
        heartbeat.beat()

    async def _ask(
        self, what: Callable[[A], dict[K, T]], argument: A, within: float | None = None
    ) -> dict[K, T] | None:
        """Return what a thread reads, ``None`` where it cannot, or takes too long."""
        try:
            async with asyncio.timeout(within):
                found = await asyncio.get_running_loop().run_in_executor(
                    self._threads, what, argument
                )
        except Exception as error:
            if not isinstance(error, (*FAILURES, TimeoutError)):
                log.exception("the stream cannot read")
            elif not self._fails:
                log.warning("the stream cannot read (%s), and goes on trying", type(error).__name__)
            self._fails = True
            return None
        self._fails = False
        return found

    def _send_to_person(self, user_id: str, found: InboxChanges | None, traces: SentTraces) -> None:
        for connection in self._of_user.get(user_id, ()):
            if found is None:
                self._strangers.add(user_id)
                if connection.counts is None:
                    connection.since = connection.since or 0
                    connection.counts = Counts(0, 0)
                    self._write(connection, [(Event.READY, _ready(Counts(0, 0)))])
            else:
                self._strangers.discard(user_id)
                self._remember(user_id, found.state.recipient_id)
                self._send_to_connection(connection, found, traces)
            if not connection.opened.done():
                connection.opened.set_result(None)

    def _remember(self, user_id: str, recipient_id: int) -> None:
        if (before := self._id_of.get(user_id)) != recipient_id:
            self._user_of.pop(before or 0, None)  # registered anew
            self._id_of[user_id] = recipient_id
            self._user_of[recipient_id] = user_id

    def _send_to_connection(
        self, connection: Connection, found: InboxChanges, traces: SentTraces
    ) -> None:
        """Write what a connection has not been sent of an inbox."""
        if connection.busy:
            connection.skipped = True
            return
        version, counts = found.state.version, found.state.counts
        first, asked = connection.counts is None, connection.asked
        caught_up = not first and connection.item_id == WHOLE
        if connection.since is None:
            connection.since = version
        missed = NOTHING if asked is None else found.missed.get(asked)
        if missed is None:
            return  # it came while the inbox was being read, and is wanted again
        parts = []
        if first:
            connection.counts = counts
            parts.append((Event.READY, _ready(counts)))
        if not missed.known:
            parts.append((Event.RESYNC, events.resync(version)))
            connection.since, connection.item_id, missed = version, WHOLE, NOTHING
        parts += [(row.name, row.data) for row in missed.rows]
        if missed.rows:
            connection.since, connection.item_id = missed.rows[-1].version, missed.rows[-1].item_id
            if caught_up:
                SECONDS.observe(max(0.0, clock.now() - connection.since / 1_000_000))
        connection.uncounted = connection.uncounted or first or bool(missed.rows)
        # Changes are read after the counts, which may lack the last ones.
        if not missed.complete or connection.since > version:
            self._want(connection.user_id)
        else:
            connection.since, connection.item_id = version, WHOLE
            if connection.uncounted or connection.counts != counts:
                connection.counts, connection.uncounted = counts, False
                parts.append((Event.COUNTS, events.counted(counts, version)))
        self._write(connection, parts)
        for row in missed.rows:
            if row.sampled is not None:
                traces.add(row.sampled, row.version)

    # -- Writing ------------------------------------------------------------------------------

    def _write(self, connection: Connection, parts: Sequence[tuple[Event, bytes]]) -> None:
        if parts:
            for name, _ in parts:
                SENT.labels(name).inc()
            connection.write(b"".join(data for _, data in parts))

    def _finish(self, connection: Connection, name: Event) -> None:
        SENT.labels(name).inc()
        connection.finish(events.event(name, {}))
        if not connection.opened.done():
            connection.opened.set_result(None)

    async def _attend(self) -> None:
        """Every second: heartbeats, what has expired, and those that are too slow."""
        await asyncio.sleep(1.0)
        now = time.monotonic()
        for connection in self._all():
            if connection.busy:
                if now - connection.writing_since > SLOWEST:
                    connection.abort()
            elif connection.expires_at <= now:
                if not connection.finished:
                    self._finish(connection, Event.EXPIRED)
            elif now - connection.written_at > HEARTBEAT and connection.counts is not None:
                connection.write(events.HEARTBEAT)


def _ready(counts: Counts) -> bytes:
    return events.retry(random.randint(*RETRY)) + events.ready(counts)
