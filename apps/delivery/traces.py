"""Spans of what becomes of sampled notifications, and where rows say that they belong.

A claim has spans for each sampled notification in it, however many deliveries that has: a chunk of
a blast costs no more spans than a single. They are recorded once its outcomes are on record, so
nothing is kept open and a lost worker leaves none.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple, ParamSpec
from uuid import UUID

from django.db import connection, transaction

from apps.core import tracing
from apps.core.delivery_ids import public_id
from apps.core.tracing import Begun, Kind
from apps.delivery.outbox.queues import Queue
from apps.delivery.state import Claimed, Result
from notifier.dispatch.dispatcher import Sent
from notifier.providers.base import log_bug

if TYPE_CHECKING:
    from apps.core.tracing.exporting import Exporting

P = ParamSpec("P")

_OF_DELIVERIES = """
SELECT d.id, n.id, n.traceparent
  FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
 WHERE d.id = ANY(%s) AND n.traceparent IS NOT NULL
"""


class Sampled(NamedTuple):
    """A sampled notification: its id, and the place under which what becomes of it belongs."""

    id: str
    place: bytes


def harmless(function: Callable[P, None]) -> Callable[P, None]:
    """Return a function that logs its errors: nothing that is sent may fail for a span."""

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> None:
        try:
            function(*args, **options)
        except Exception as error:
            log_bug("a span cannot be recorded", error)

    return call


def _of_deliveries(ids: Collection[int]) -> dict[int, Sampled]:
    """Return those of these deliveries' notifications that are sampled, by delivery."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_DELIVERIES, [list(ids)])
        return {key: Sampled(str(of), bytes(place)) for key, of, place in cursor}


def record_acceptance(begun: Begun, since: float) -> None:
    """Record that notifications were accepted, from ``since`` (unix seconds) until now."""
    if tracing.tracer is not None:
        attributes = _operation("accept", "send")
        tracing.tracer.record("accept", begun, since, tracing.now(), attributes, kind=Kind.PRODUCER)


def record_status_event(places: Sequence[bytes]) -> bytes | None:
    """Return where the notification belongs that tells a status webhook of deliveries.

    That it was accepted is recorded after the commit.

    ``places``: those of sampled ones, which are not empty. It belongs to the first one's trace, and
    its span has links to the others.
    """
    tracer = tracing.tracer
    if tracer is None:
        return None
    first, *others = dict.fromkeys(places)
    begun, now = tracing.within(first), tracing.now()
    attributes = _operation("accept", "send")
    transaction.on_commit(
        lambda: tracer.record(
            "accept status", begun, now, now, attributes, kind=Kind.PRODUCER, links=others
        )
    )
    return begun.place


def record_receipts(events: Iterable[tuple[int, str, str]], since: float) -> None:
    """Record after the commit that receipts were applied, from ``since`` (unix seconds) until then.

    One span for all that say the same of a notification. ``events``: each one's delivery, provider
    and event.
    """
    if tracing.tracer is not None and (applied := list(events)):
        # Within the transaction a look-up that fails would have aborted it.
        transaction.on_commit(lambda: _record_receipts(tracing.tracer, applied, since))


@harmless
def _record_receipts(
    tracer: "Exporting | None", events: Sequence[tuple[int, str, str]], since: float
) -> None:
    if tracer is None:
        return
    sampled = _of_deliveries({delivery for delivery, _, _ in events})
    groups: defaultdict[tuple[Sampled, str, str], list[int]] = defaultdict(list)
    for delivery, provider, event in events:
        if (one := sampled.get(delivery)) is not None:
            groups[one, provider, event].append(delivery)
    for one, provider, event in tracing.first(groups):
        attributes: dict[str, str | int | bool] = {
            **_operation("receipt", "settle"),
            **_about(one.id, groups[one, provider, event]),
            "notifier.provider": provider,
            "notifier.event": event,
        }
        begun = tracing.within(one.place)
        tracer.record("receipt", begun, since, tracing.now(), attributes, kind=Kind.CONSUMER)


def record_fan_out(notification_id: UUID, place: bytes, since: float) -> None:
    """Record that an audience was cut, from ``since`` (unix seconds) until now."""
    if tracing.tracer is not None:
        attributes = {"notifier.notification.id": str(notification_id)}
        tracing.tracer.record("fan_out", tracing.within(place), since, tracing.now(), attributes)


class ClaimTraces:
    """The spans of the sampled notifications of a claim."""

    def __init__(
        self,
        tracer: "Exporting",
        queue: Queue,
        since: float,
        places: Mapping[str, bytes],
        claimed: Iterable[Claimed],
        fallback: Collection[str],
    ) -> None:
        """``since``: when the claim began (monotonic seconds). ``places``: by notification id.

        ``fallback``: ids of those of which the queue's channel is the fallback.
        """
        self._tracer = tracer
        self._queue = queue
        self._since = _wall(since)
        self._claimed_at = tracing.now()
        self._rendered = (self._claimed_at, self._claimed_at)
        self._open: dict[str, _Traced] = {}
        items: defaultdict[str, list[Claimed]] = defaultdict(list)
        for item in claimed:
            if item.notification_id in places:
                items[item.notification_id].append(item)
        for key in tracing.first(items):
            self._open[key] = _Traced(places[key], items[key], key in fallback)
        self._header = {key: tracing.header(one.send) for key, one in self._open.items()}

    def header(self, notification_id: str) -> str:
        """Return the ``traceparent`` of calls for a notification; empty if it is not sampled."""
        return self._header.get(notification_id, "")

    def about(self, notification_id: str) -> dict[str, str]:
        """Return attributes of log records about a notification."""
        header = self.header(notification_id)
        return {"trace_id": header.split("-")[1]} if header else {}

    def rendered(self, since: float) -> None:
        """Note that messages were made, from ``since`` (unix seconds) until now."""
        self._rendered = (since, tracing.now())

    @harmless
    def recorded(self, batch: Sequence[Sent], results: Sequence[Result], since: float) -> None:
        """Note what is on record; ``since``: when that was begun (monotonic seconds)."""
        for sent, result in zip(batch, results, strict=True):
            one = self._open.get(result.notification_id)
            if one is None:
                continue
            one.add(sent, result, _wall(since))
            if not one.left:
                self._record(self._open.pop(result.notification_id))

    @harmless
    def close(self) -> None:
        """Record what is left: another worker has taken some deliveries over."""
        while self._open:
            self._record(self._open.popitem()[1])

    def _record(self, one: "_Traced") -> None:
        """Record the spans of a notification."""
        now = tracing.now()
        about = one.about()
        process = one.process
        self._tracer.record(
            f"process {self._queue.name}",
            process,
            self._since,
            now,
            {
                **_operation("process", "process"),
                "messaging.destination.name": self._queue.name,
                "notifier.channel": self._queue.channel,
                "notifier.priority": self._queue.priority,
                **about,
                **one.kept(),
            },
            kind=Kind.CONSUMER,
        )
        inner = tracing.within
        self._tracer.record("claim", inner(process.place), self._since, self._claimed_at, about)
        self._tracer.record("render", inner(process.place), *self._rendered, about)
        begun = Begun(one.send, process.place)
        for provider, calls in one.calls.items():
            self._tracer.record(
                f"send {self._queue.channel}",
                begun,
                calls.since,
                calls.until,
                {
                    "notifier.channel": self._queue.channel,
                    "notifier.provider": provider,
                    **about,
                    **calls.attributes(),
                },
                kind=Kind.CLIENT,
                error=calls.error(),
            )
            begun = inner(process.place)  # of another provider; the first one's has the header's id
        if one.recording is not None:
            self._tracer.record("record", inner(process.place), one.recording, now, about)


class _Calls:
    """The calls to one provider for a notification."""

    def __init__(self) -> None:
        self.since, self.until = float("inf"), 0.0
        self._outcomes: Counter[str] = Counter()
        self._last: Result | None = None

    def add(self, sent: Sent, result: Result) -> None:
        self.since = min(self.since, sent.started_at)
        self.until = max(self.until, sent.started_at + sent.duration)
        self._outcomes[result.outcome] += 1
        self._last = result

    def attributes(self) -> dict[str, str | int | bool]:
        """Return what came of them: of several, how many had each outcome."""
        last = self._last
        if last is None or self._outcomes.total() > 1:
            return {f"notifier.outcome.{name}": n for name, n in self._outcomes.items()}
        found: dict[str, str | int | bool] = {
            "notifier.attempt": last.attempt,
            "notifier.outcome": last.outcome,
            "notifier.state": last.state,
        }
        if last.attempt > 1:
            found["http.request.resend_count"] = last.attempt - 1
        if last.reason:
            found["notifier.reason"] = last.reason
        if last.status is not None:
            found["http.response.status_code"] = last.status
        return found

    def error(self) -> str:
        """Return the reason of a call that failed; empty where any was taken."""
        if self._outcomes["accepted"] or self._last is None:
            return ""
        return self._last.reason or self._last.outcome


class _Traced:
    """A sampled notification of a claim."""

    def __init__(self, place: bytes, items: Sequence[Claimed], fallback: bool) -> None:
        self.process = tracing.within(place)
        self.send = tracing.within(self.process.place).place
        self.left = len(items)
        self.calls: defaultdict[str, _Calls] = defaultdict(_Calls)
        self.recording: float | None = None
        self._first, self._fallback = items[0], fallback
        self._deliveries = [item.delivery_id for item in items]
        self._held: Counter[str] = Counter()

    def add(self, sent: Sent, result: Result, since: float) -> None:
        """Add an outcome, whose recording began at ``since``."""
        self.left -= 1
        self.recording = since if self.recording is None else min(self.recording, since)
        if result.outcome and sent.provider:
            self.calls[sent.provider].add(sent, result)
        else:  # without a call
            self._held[result.reason or result.state] += 1

    def about(self) -> dict[str, str | int | bool]:
        """Return what says which deliveries a span is about."""
        found = _about(self._first.notification_id, self._deliveries)
        if self._first.step:
            found["notifier.step"] = self._first.step
        if self._fallback:
            found["notifier.fallback"] = True
        return found

    def kept(self) -> dict[str, int]:
        """Return how many were not called for, by reason."""
        return {f"notifier.not_sent.{reason}": n for reason, n in self._held.items()}


def _about(notification_id: str, deliveries: Sequence[int]) -> dict[str, str | int | bool]:
    """Return which deliveries a span is about: which one, or how many."""
    found: dict[str, str | int | bool] = {"notifier.notification.id": notification_id}
    if len(deliveries) > 1:
        found["messaging.batch.message_count"] = len(deliveries)
    else:
        found["notifier.delivery.id"] = public_id(deliveries[0])
    return found


def _operation(name: str, kind: str) -> dict[str, str | int | bool]:
    return {
        "messaging.system": "notifier",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
    }


def _wall(monotonic: float) -> float:
    return tracing.now() - (time.monotonic() - monotonic)
