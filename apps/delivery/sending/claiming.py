"""Claiming: take deliveries of one queue, of any notifications, in one transaction."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.db import transaction

from apps.core import clock, tracing
from apps.core.delivery_ids import public_id
from apps.delivery import state
from apps.delivery.flow import availability, frequency_counts
from apps.delivery.flow.frequency_counts import CountingLost
from apps.delivery.ordering import ordering_keys
from apps.delivery.outbox import claims, pending
from apps.delivery.outbox.pending import DueDelivery, LockedChunk, PublisherWork
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import capping, notifications, quiet_hours
from apps.delivery.sending.cancellation import Watched
from apps.delivery.sending.capacity import Capacity, in_turn
from apps.delivery.sending.capping import Counted
from apps.delivery.sending.digests import digest_rendering, joining
from apps.delivery.sending.notifications import NotificationContext, Renderer
from apps.delivery.state import ChunkToDeliver, ClaimBudget, Claimed, counts, deferral, handover
from apps.delivery.state.steps import answers
from apps.delivery.state.steps.creation import create_step_deliveries
from apps.delivery.traces import ClaimTraces
from apps.preferences import profiles
from apps.preferences.profiles import SealedProfile
from apps.topics.selectors import paused_topics
from notifier.domain.cancellation import StopSignal
from notifier.domain.outcomes import Reason
from notifier.domain.states import DeliveryState

log = logging.getLogger(__name__)

#: Most deliveries of a claim for each recipient of a full chunk: most people have several devices,
#: and some a hundred addresses.
PER_RECIPIENT = 3
#: Times that a claim is made again because the counters of frequency caps were lost: Redis may be
#: gone when it is tried, come back, and go again.
RESTARTS = 3
#: Most turns of publishers that one claim tries.
TURNS = 3
#: The publisher by queue whose turn came last, of those with chunks that exceed their shares.
_last_turn: dict[Queue, int] = {}


@dataclass(frozen=True)
class Claim:
    """Deliveries that this process sends now, under one lease; see ``outbox.claims``.

    ``contexts``: their notifications by id. ``renderers``: of these notifications' contents, until
    the messages are rendered, and ``profiles``, by ``user_id``, of the recipients whom templates
    mention by name or attributes. ``again``: all deliveries were attempted or deferred before.
    ``since``: when the claim began (monotonic seconds). ``counted``: see ``capping``.
    """

    id: int
    queue: Queue
    deliveries: Sequence[Claimed]
    contexts: Mapping[str, NotificationContext]
    renderers: dict[str, Renderer]
    profiles: dict[str, SealedProfile]
    again: bool
    since: float
    counted: Counted | None = None

    @cached_property
    def by_id(self) -> dict[str, Claimed]:
        """The deliveries by the id of their messages."""
        return {public_id(item.delivery_id): item for item in self.deliveries}

    @cached_property
    def ordered(self) -> bool:
        """True if some deliveries have an ordering key."""
        return any(one.row.ordering_key for one in self.contexts.values())

    @cached_property
    def digests(self) -> bool:
        """True if some deliveries tell others, which go where they go."""
        return any(one.is_digest for one in self.contexts.values())

    @cached_property
    def watched(self) -> list[Watched]:
        """Entries for ``sending.cancellation``: one a notification, or a delivery of steps."""
        whole = [
            Watched(self.id, key, one.row.topic_id, one.halt)
            for key, one in self.contexts.items()
            if not one.steps
        ]
        return whole + [
            Watched(
                self.id,
                item.notification_id,
                self.contexts[item.notification_id].row.topic_id,
                self.halts[item.delivery_id],
                self.contexts[item.notification_id].awaited(item.recipient_id, item.step),
            )
            for item in self.deliveries
            if item.delivery_id in self.halts
        ]

    @cached_property
    def traces(self) -> ClaimTraces | None:
        """The spans of those of its notifications that are sampled; ``None`` if none is."""
        if tracing.tracer is None:
            return None
        places = {
            key: bytes(one.row.traceparent)
            for key, one in self.contexts.items()
            if one.row.traceparent is not None
        }
        if not places:
            return None
        channel = self.queue.channel
        fallback = [key for key in places if self.contexts[key].row.fallback_channel == channel]
        return ClaimTraces(
            tracing.tracer, self.queue, self.since, places, self.deliveries, fallback
        )

    @cached_property
    def halts(self) -> dict[int, StopSignal]:
        """A stop signal for each delivery of notifications with steps: people answer one by one."""
        return {
            item.delivery_id: StopSignal()
            for item in self.deliveries
            if self.contexts[item.notification_id].steps
        }

    def halt(self, item: Claimed) -> StopSignal:
        """Return the stop signal of a delivery."""
        return self.halts.get(item.delivery_id) or self.contexts[item.notification_id].halt

    def by_publisher(self, notification_ids: Iterable[str]) -> Counter[int]:
        """Count these notification ids by publisher id."""
        found: Counter[int] = Counter()
        for key, number in Counter(notification_ids).items():
            found[self.contexts[key].row.publisher_id] += number
        return found


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """The result of ``claim``.

    ``claim``: what is to be sent now, if anything. ``rows``: how many chunks and due deliveries
    were processed; 0 means that nothing can be claimed, and ``full`` that this is for lack of
    capacity. ``more``: some are left that could be claimed next.
    """

    claim: Claim | None
    rows: int
    full: bool = False
    more: bool = False


NOTHING, FULL = ClaimResult(None, 0), ClaimResult(None, 0, full=True)


def claim(queue: Queue, capacity: Capacity) -> ClaimResult:
    """Claim what has waited longest, in fair shares of its publishers, up to the free capacity."""
    waiting = {one.publisher_id: one for one in pending.publishers(queue, settings.CHUNK_SIZE)}
    if not waiting or availability.shut([queue.channel]):  # no provider takes anything now
        return NOTHING
    shares = capacity.shares(waiting)
    if not shares:
        return FULL
    for _ in range(RESTARTS):
        try:
            return counts.retry_when_locked(lambda: _claim(queue, waiting, shares))
        except CountingLost as error:
            frequency_counts.restart(error.generation)
    return counts.retry_when_locked(lambda: _claim(queue, waiting, shares))


@transaction.atomic
def _claim(
    queue: Queue, waiting: Mapping[int, PublisherWork], shares: Mapping[int, int]
) -> ClaimResult:
    began = time.monotonic()
    due = _due(queue, waiting, shares)
    had = Counter(one.publisher_id for one in due)
    chunks, left = _chunks(queue, waiting, shares, had)
    for one in chunks:
        had[one.publisher_id] += one.size
    if not due and not chunks:
        return NOTHING
    claim_id = claims.new_id()
    contexts, renderers = notifications.read(
        {*(str(one.notification_id) for one in chunks), *(one.notification_id for one in due)},
        queue.channel,
    )
    lines = {
        ordering_keys.line_of(one.row, queue.channel)
        for one in contexts.values()
        if one.row.ordering_key
    }
    if lines:
        ordering_keys.lock(lines)
    held = _held_topics(contexts)
    quiet = quiet_hours.columns(queue)
    rows: list[Claimed] = []
    with_steps = [key for key, one in contexts.items() if one.steps]
    if with_steps:
        answers.hold(with_steps)
    if due:
        ids = [one.delivery_id for one in due]
        off = [key for key, one in contexts.items() if one.is_off(queue.channel)]
        rows += state.resume_due(
            claim_id,
            ids,
            held,
            ordered=bool(lines),
            off=off,
            quiet=quiet,
            steps=bool(with_steps),
        )
    budget = ClaimBudget(claim_id, *queue, PER_RECIPIENT * settings.CHUNK_SIZE, quiet)
    created, consumed = _create(budget, chunks, contexts, held)
    rows += created
    rows = joining.join(queue, claim_id, rows, contexts, ordered=bool(lines))
    if quiet.may_wait:
        rows = quiet_hours.hold_back(queue, rows, contexts)
    # After quiet hours: what waits is counted when it is claimed again.
    capped, counted = capping.cap(queue, claim_id, rows, contexts, ordered=bool(lines))
    tell = digest_rendering.tell(queue, claim_id, capped, contexts)
    if counted is not None:
        capping.give_back(queue.channel, counted, tell.rows)
    claimed = [
        row
        for row in state.report_moves(queue.channel, tell.rows)
        if row.delivery_id not in tell.told
    ]
    cut = [one.id for one in consumed if one.cut]
    named = [one.id for one in consumed if not one.cut]
    before = pending.consume(cut, named)
    number = len(due) + len(chunks)
    # More work is due: deliveries of chunks taken over from the version before, and deliveries
    # beyond the claim's budget.
    left = left or any(one.fence for one in chunks)
    left = left or any(row.state == DeliveryState.QUEUED for row in created)
    # A publisher below half its share has no backlog; rows committed since have rung a doorbell.
    more = left or any(had[key] >= share // 2 for key, share in shares.items())
    if not claimed:
        pending.execute(before)
        return ClaimResult(None, number, more=more)
    clock.synchronize(claims.open(claim_id, queue, before))
    sent = {item.notification_id for item in claimed}
    rendering: dict[str, Renderer] = {**renderers, **tell.renderers}
    rendering = {key: one for key, one in rendering.items() if key in sent}
    return ClaimResult(
        Claim(
            claim_id,
            queue,
            claimed,
            {key: one for key, one in contexts.items() if key in sent},
            rendering,
            _profiles(claimed, rendering),
            again=not chunks,
            since=began,
            counted=counted,
        ),
        number,
        more=more,
    )


def _profiles(
    claimed: Sequence[Claimed], renderers: Mapping[str, Renderer]
) -> dict[str, SealedProfile]:
    """Read the profiles of recipients whose messages use them, by ``user_id``."""
    personal = {key for key, one in renderers.items() if one.uses_profiles}
    if not personal:
        return {}
    return profiles.read({item.user_id for item in claimed if item.notification_id in personal})


def _due(
    queue: Queue, waiting: Mapping[int, PublisherWork], shares: Mapping[int, int]
) -> list[DueDelivery]:
    """Lock deliveries that are due again: half of a publisher's share where chunks wait, too."""
    wanted = {
        key: max(1, share // 2) if waiting[key].new else share
        for key, share in shares.items()
        if waiting[key].due
    }
    return pending.lock_due(queue, wanted) if wanted else []


def _chunks(
    queue: Queue,
    waiting: Mapping[int, PublisherWork],
    shares: Mapping[int, int],
    due: Counter[int],
) -> tuple[list[LockedChunk], bool]:
    """Lock chunks up to what each publisher's share has left, or one that is larger in its turn.

    ``due``: deliveries of each publisher that this claim has already. Returns the chunks, and
    whether there are others that did not fit.
    """
    whole = {key: share for key, share in shares.items() if waiting[key].new}
    if not whole:
        return [], False
    wanted = {key: max(1, share - due[key]) for key, share in whole.items()}
    sizes = {key: waiting[key].new for key in whole}
    parts = in_turn(whole, sizes, settings.CHUNK_SIZE, _last_turn.get(queue, 0))
    number, locked = 0, list[LockedChunk]()
    while not locked and number < min(len(parts), TURNS):  # others may have locked the first ones
        part = {key: wanted[key] for key in parts[number]}
        locked = pending.lock_chunks(queue, part, settings.CHUNK_SIZE)
        number += 1
    last = next(reversed(parts[number - 1]))
    if sizes[last] > whole[last]:
        _last_turn[queue] = last
    found, left, taken = [], number < len(parts), Counter[int]()
    for one in locked:
        if (
            taken[one.publisher_id]
            and taken[one.publisher_id] + one.size > wanted[one.publisher_id]
        ):
            left = True
            continue
        taken[one.publisher_id] += one.size
        found.append(one)
    return found, left


def _create(
    budget: ClaimBudget,
    chunks: Sequence[LockedChunk],
    contexts: Mapping[str, NotificationContext],
    held: Mapping[int, float],
) -> tuple[list[Claimed], list[LockedChunk]]:
    """Create the deliveries of these chunks; return their rows, and the chunks that are done.

    A chunk of a paused topic is deferred until the topic is resumed, and one that is not at the
    front of its line until those before it are done.
    """
    ready: list[ChunkToDeliver] = []
    ordered: list[ChunkToDeliver] = []
    steps: list[ChunkToDeliver] = []
    consumed: list[LockedChunk] = []
    paused: list[int] = []
    for one in chunks:
        context = contexts.get(str(one.notification_id))
        if one.fence:
            handover.release([one.id])
        if context is None or context.row.cancelled_at is not None:
            consumed.append(one)
        elif context.row.topic_id in held:
            paused.append(one.id)
        else:
            entry = ChunkToDeliver(one, context.rules(budget.channel, one.kind, one.step))
            if entry.rules.step is not None:  # in no order
                steps.append(entry)
            else:
                (ordered if context.row.ordering_key else ready).append(entry)
    if paused:
        deferral.defer_chunks(paused, Reason.TOPIC_PAUSED, None)
    rows = state.create_deliveries(budget, ready) if ready else []
    if steps:
        rows += create_step_deliveries(budget.spent(len(rows)), steps)
    for entry in sorted(ordered, key=lambda entry: entry.chunk.id):
        if ordering_keys.must_wait(entry.chunk.id):
            deferral.defer_chunks([entry.chunk.id], Reason.IN_ORDER, ordering_keys.LOOK_AGAIN)
        else:
            rows += state.create_in_order(budget.spent(len(rows)), entry)
            consumed.append(entry.chunk)
    consumed += [entry.chunk for entry in (*ready, *steps)]
    gone = [
        one.id
        for one in consumed
        if (context := contexts.get(str(one.notification_id))) is not None
        and context.row.cancelled_at is not None
        and context.row.ordering_key
    ]
    if gone:
        ordering_keys.remove_chunks(gone)
    return rows, consumed


def _held_topics(contexts: Mapping[str, NotificationContext]) -> Mapping[int, float]:
    """Return when (unix seconds) topics were paused; none is resumed before the commit."""
    seen = {one.topic.id for one in contexts.values() if one.topic and one.topic.paused}
    return paused_topics(seen) if seen else {}
