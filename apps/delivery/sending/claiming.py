"""Claiming: a capacity's worth of one queue, of any notifications, in one transaction."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.core.delivery_ids import public_id
from apps.delivery import state
from apps.delivery.models import ChunkKind
from apps.delivery.ordering import ordering_keys
from apps.delivery.outbox import claims, pending
from apps.delivery.outbox.pending import DueDelivery, LockedChunk, PublisherWork
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import notifications
from apps.delivery.sending.cancellation import Watched
from apps.delivery.sending.capacity import Capacity
from apps.delivery.sending.notifications import NotificationContext
from apps.delivery.sending.rendering import ContentRenderer
from apps.delivery.state import ChunkToDeliver, ClaimBudget, Claimed, counts, deferral, handover
from apps.topics.selectors import paused_topics
from notifier.domain.outcomes import Reason
from notifier.domain.states import DeliveryState

log = logging.getLogger(__name__)

#: A claim has at most so many deliveries for each recipient of a full chunk: people have several
#: devices, and some have a hundred addresses.
PER_RECIPIENT = 3


@dataclass(frozen=True)
class Claim:
    """Deliveries that this process sends now, under one lease; see ``outbox.claims``.

    ``contexts``: their notifications by id. ``renderers``: what these say, until messages are made.
    ``again``: all of them were tried or held before. ``since``: when they were read (monotonic
    seconds).
    """

    id: int
    queue: Queue
    deliveries: Sequence[Claimed]
    contexts: Mapping[str, NotificationContext]
    renderers: dict[str, ContentRenderer]
    again: bool
    since: float

    @cached_property
    def by_id(self) -> dict[str, Claimed]:
        """The deliveries by the id that a message of theirs carries."""
        return {public_id(item.delivery_id): item for item in self.deliveries}

    @cached_property
    def ordered(self) -> bool:
        """Whether some of them have an ordering key."""
        return any(one.row.ordering_key for one in self.contexts.values())

    @cached_property
    def watched(self) -> list[Watched]:
        """What stops messages of each notification that must not be sent any more."""
        return [
            Watched(self.id, key, one.row.topic_id, one.halt) for key, one in self.contexts.items()
        ]

    def by_publisher(self, notification_ids: Iterable[str]) -> Counter[int]:
        """How many of these are of which publisher."""
        found: Counter[int] = Counter()
        for key, number in Counter(notification_ids).items():
            found[self.contexts[key].row.publisher_id] += number
        return found


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """What a look at a queue came to. ``claim``: what is to be sent now, if anything is; ``rows``:
    how many chunks and due deliveries were dealt with; none means that nothing can be claimed, and
    ``full`` that it is for lack of room. ``more``: some were left that could be claimed next."""

    claim: Claim | None
    rows: int
    full: bool = False
    more: bool = False


NOTHING, FULL = ClaimResult(None, 0), ClaimResult(None, 0, full=True)


def claim(queue: Queue, capacity: Capacity) -> ClaimResult:
    """Claim what has waited longest, fairly between publishers, as much as there is room for."""
    waiting = {one.publisher_id: one for one in pending.publishers(queue)}
    if not waiting:
        return NOTHING
    shares = capacity.shares(waiting)
    if not shares:
        return FULL
    return counts.retry_when_locked(lambda: _claim(queue, waiting, shares))


@transaction.atomic
def _claim(
    queue: Queue, waiting: Mapping[int, PublisherWork], shares: Mapping[int, int]
) -> ClaimResult:
    began = time.monotonic()
    due = _due(queue, waiting, shares)
    slices, left = _slices(queue, waiting, shares, len(due))
    if not due and not slices:
        return NOTHING
    claim_id = claims.new_id()
    contexts, renderers = notifications.read(
        {*(str(one.notification_id) for one in slices), *(one.notification_id for one in due)}
    )
    lined = {
        ordering_keys.line_of(one.row, queue.channel)
        for one in contexts.values()
        if one.row.ordering_key
    }
    if lined:
        ordering_keys.lock(lined)
    held = _held_topics(contexts)
    rows: list[tuple] = []
    if due:
        ids = [one.delivery_id for one in due]
        rows += state.resume_due(claim_id, ids, held, ordered=bool(lined))
    budget = ClaimBudget(claim_id, *queue, most=PER_RECIPIENT * settings.CHUNK_SIZE)
    made, consumed = _make(budget, slices, contexts, held)
    rows += made
    claimed = state.start_sending(queue.channel, rows)
    cut = [one.id for one in consumed if one.kind == ChunkKind.RANGE]
    named = [one.id for one in consumed if one.kind != ChunkKind.RANGE]
    before = pending.consume(cut, named)
    number = len(due) + len(slices)
    # Of a publisher who had less than its share nothing is left but what came just now: that has
    # rung, and goes with what comes meanwhile.
    had = Counter(
        about.row.publisher_id
        for one in due
        if (about := contexts.get(one.notification_id)) is not None
    )
    for one in slices:
        had[one.publisher_id] += one.size
    # Deliveries that are due: of chunks that a worker had, and those there was no room for.
    left = left or any(one.fence for one in slices)
    left = left or any(row[1] == DeliveryState.QUEUED for row in made)
    more = left or any(had[key] >= share // 2 for key, share in shares.items())
    if not claimed:
        pending.execute(before)
        return ClaimResult(None, number, more=more)
    clock.synchronize(claims.open(claim_id, queue, before))
    sent = {item.notification_id for item in claimed}
    return ClaimResult(
        Claim(
            claim_id,
            queue,
            claimed,
            {key: one for key, one in contexts.items() if key in sent},
            {key: one for key, one in renderers.items() if key in sent},
            again=not slices,
            since=began,
        ),
        number,
        more=more,
    )


def _due(
    queue: Queue, waiting: Mapping[int, PublisherWork], shares: Mapping[int, int]
) -> list[DueDelivery]:
    """Deliveries that are due again: up to half of a publisher's share where chunks wait, too."""
    wanted = {
        key: max(1, share // 2) if waiting[key].new else share
        for key, share in shares.items()
        if waiting[key].due
    }
    return pending.lock_due(queue, wanted) if wanted else []


def _slices(
    queue: Queue, waiting: Mapping[int, PublisherWork], shares: Mapping[int, int], due: int
) -> tuple[list[LockedChunk], bool]:
    """Chunks, as many as a publisher's share has room for; one at least, whatever its size.

    And whether others were found that did not fit.
    """
    wanted = {key: share for key, share in shares.items() if waiting[key].new}
    if due:
        wanted = {key: max(1, share - due) for key, share in wanted.items()}
    if not wanted:
        return [], False
    found, left, taken = [], False, Counter[int]()
    for one in pending.lock_chunks(queue, wanted, settings.CHUNK_SIZE):
        if (
            taken[one.publisher_id]
            and taken[one.publisher_id] + one.size > wanted[one.publisher_id]
        ):
            left = True
            continue
        taken[one.publisher_id] += one.size
        found.append(one)
    return found, left


def _make(
    budget: ClaimBudget,
    slices: Sequence[LockedChunk],
    contexts: Mapping[str, NotificationContext],
    held: Mapping[int, float],
) -> tuple[list[tuple], list[LockedChunk]]:
    """Rows of the deliveries made of these chunks, and the chunks that are done by that.

    A chunk of a paused topic waits until that is resumed, one that is not in front of its line
    until it is called.
    """
    cuts: list[ChunkToDeliver] = []
    ordered: list[ChunkToDeliver] = []
    consumed: list[LockedChunk] = []
    paused: list[int] = []
    for one in slices:
        about = contexts.get(str(one.notification_id))
        if one.fence:
            handover.release([one.id])
        if about is None or about.row.cancelled_at is not None:
            consumed.append(one)
        elif about.row.topic_id in held:
            paused.append(one.id)
        else:
            cut = ChunkToDeliver(one, about.rules(budget.channel, one.kind))
            (ordered if about.row.ordering_key else cuts).append(cut)
    if paused:
        deferral.defer_chunks(paused, Reason.TOPIC_PAUSED, None)
    rows = state.create_deliveries(budget, cuts) if cuts else []
    for cut in sorted(ordered, key=lambda cut: cut.chunk.id):
        if ordering_keys.must_wait(cut.chunk.id):
            deferral.defer_chunks([cut.chunk.id], Reason.IN_ORDER, ordering_keys.LOOK_AGAIN)
        else:
            rows += state.create_in_order(budget.spent(len(rows)), cut)
            consumed.append(cut.chunk)
    consumed += [cut.chunk for cut in cuts]
    gone = [
        one.id
        for one in consumed
        if (about := contexts.get(str(one.notification_id))) is not None
        and about.row.cancelled_at is not None
        and about.row.ordering_key
    ]
    if gone:
        ordering_keys.remove_chunks(gone)
    return rows, consumed


def _held_topics(contexts: Mapping[str, NotificationContext]) -> Mapping[int, float]:
    """Since when (unix seconds) topics are paused; none is resumed before the transaction ends."""
    seen = {one.topic.id for one in contexts.values() if one.topic and one.topic.paused}
    return paused_topics(seen) if seen else {}
