"""Say what would become of a notification if it were posted now, and post nothing.

Everybody of the audience is judged by the statement with which a claim makes its deliveries, in
chunks of the same size and at the same price, in one transaction that can write nothing. Where that
would take too long, chunks from all over the audience are judged until the time is over, and the
numbers are an estimate for all of it.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from django.conf import settings
from django.db import transaction
from uuid_utils.compat import uuid7

from apps.core import clock
from apps.delivery.flow import availability, frequency_counts, provider_pauses
from apps.delivery.intake import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.intake.rows import NewNotification
from apps.delivery.models import ChunkKind
from apps.delivery.operations.own_times import PASSED, SCHEDULED, OwnTimes, Turn
from apps.delivery.outbox.pending import LockedChunk
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import capping
from apps.delivery.sending.digests.joining import Asked
from apps.delivery.sending.notifications import NotificationContext, NotificationRow
from apps.delivery.state import ChunkToDeliver, dry_run
from apps.delivery.state.dry_run import Judged
from apps.delivery.state.steps.plan import Step
from apps.preferences.digests import choices
from apps.preferences.frequency import caps
from notifier.domain.outcomes import Reason
from notifier.domain.priorities import Priority

#: Seconds after which the rest of an audience is estimated.
LONGEST = 5.0
#: Another reason for which a delivery would be sent later, and one for which it never would.
FALLBACK = "fallback"
FREQUENCY_CAP = "frequency_cap"
#: Reasons of deliveries that no cap is asked about: they wait, or are not sent anyway.
_UNCOUNTED = (Reason.QUIET_HOURS, Reason.DIGEST, PASSED)
#: Reasons of those who have a local time that is not now.
_OWN_TIME = (SCHEDULED, PASSED)
_random = random.SystemRandom()


@dataclass(slots=True)
class ChannelForecast:
    """The forecast of the deliveries on one channel.

    ``audience``: how many subscriptions, members or recipients there are, of which ``judged`` were
    looked at. ``people``: to how many recipients and bare endpoints it would go. ``now``,
    ``later``, ``not_sent``: numbers of deliveries, by their reason where they have one.
    """

    audience: int = 0
    judged: int = 0
    people: int = 0
    now: int = 0
    later: Counter[str] = field(default_factory=Counter)
    not_sent: Counter[str] = field(default_factory=Counter)

    @property
    def exact(self) -> bool:
        """True if all of the audience was judged."""
        return self.judged >= self.audience

    def scaled(self) -> "ChannelForecast":
        """Return the estimate for the whole audience from the part that was judged."""
        if self.exact or not self.judged:
            return self

        def whole(number: int) -> int:
            return round(number * self.audience / self.judged)

        return ChannelForecast(
            self.audience,
            self.judged,
            whole(self.people),
            whole(self.now),
            Counter({reason: whole(number) for reason, number in self.later.items()}),
            Counter({reason: whole(number) for reason, number in self.not_sent.items()}),
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of a notification.

    ``fallback``, or its ``steps``: at most, if nobody were reached, or answered, before.
    """

    channels: Mapping[str, ChannelForecast]
    fallback: tuple[str, ChannelForecast] | None
    steps: Sequence[tuple[Step, ChannelForecast]] = ()

    @property
    def exact(self) -> bool:
        """True if everybody was judged."""
        later = [one for _, one in self.steps] + ([self.fallback[1]] if self.fallback else [])
        return all(one.exact for one in (*self.channels.values(), *later))


def forecast(publisher_id: int, draft: Draft, longest: float = LONGEST) -> Forecast:
    """Judge the audience of a draft on each of its channels, for ``longest`` seconds in all."""
    new = accept.notification_row(uuid7(), publisher_id, draft, clock.moment())
    columns = {**new._asdict(), "cancelled_at": None}
    row = NotificationRow._make(columns[name] for name in NotificationRow._fields)
    context = NotificationContext(row)
    asked = [(channel, 0) for channel in draft.channels]
    if draft.fallback is not None:
        asked.append((draft.fallback.channel, 0))
    asked += [(step.channel, step.number) for step in draft.steps]
    until = time.monotonic() + longest
    found: dict[tuple[str, int], ChannelForecast] = {}
    with transaction.atomic():
        dry_run.begin()
        for left, (channel, number) in zip(range(len(asked), 0, -1), asked, strict=True):
            share = (until - time.monotonic()) / left
            judge = _Judge(draft, new, context, channel, number)
            found[channel, number] = judge.judge(time.monotonic() + share).scaled()
    later = None
    if draft.fallback is not None:
        later = (draft.fallback.channel, found[draft.fallback.channel, 0])
    return Forecast(
        {channel: found[channel, 0] for channel in draft.channels},
        later,
        [(step, found[step.channel, step.number]) for step in draft.steps],
    )


class _Judge:
    """Judges the audience of one draft on one channel, or of a step of its fallback."""

    def __init__(
        self,
        draft: Draft,
        new: NewNotification,
        context: NotificationContext,
        channel: str,
        number: int = 0,
    ) -> None:
        self._draft = draft
        self._context = context
        self._channel = channel
        step = context.step(number)
        self._whole = (
            draft.topic is not None
            or draft.group_id is not None
            or (step is not None and step.group_id is not None)
        )
        kind = ChunkKind.RANGE if self._whole else ChunkKind.NAMED
        # Nobody has been reached yet, so a fallback is judged as any other channel.
        self._rules = replace(context.rules(channel, kind, number), fallback=False)
        self._capped = draft.priority != Priority.HIGH and caps.exist(channel)
        self._times = OwnTimes(new, context, channel)
        at = context.posted_at if draft.local is None else context.row.created_at
        self._asked = Asked(Queue(channel, new.priority), {str(context.row.id): context})
        self._turn = Turn(_reason_to_wait(draft, context, channel, number), at.timestamp())
        self._found = ChannelForecast()

    def judge(self, until: float) -> ChannelForecast:
        """Judge chunks until all are done, or until this monotonic time, but at least one."""
        for chunk in self._chunks():
            self._found.judged += chunk.size
            self._count(dry_run.judge(self._channel, ChunkToDeliver(chunk, self._rules)))
            if time.monotonic() > until:
                break
        return self._found

    def _chunks(self) -> Iterator[LockedChunk]:
        if not self._whole:
            ids = self._draft.recipient_ids
            self._found.audience = len(ids)
            slices = list(range(0, len(ids), settings.CHUNK_SIZE))
            _random.shuffle(slices)
            for first in slices:
                some = list(ids[first : first + settings.CHUNK_SIZE])
                yield self._chunk(ChunkKind.NAMED, len(some), recipients=some)
            return
        size, low, high = dry_run.extent(self._rules, self._channel)
        self._found.audience = size
        if low is None or high is None:
            return
        # Equal parts of the ids, in any order: who subscribed early may differ from the others.
        number = math.ceil(size / settings.CHUNK_SIZE)
        bounds = [low - 1 + (high - low + 1) * part // number for part in range(number + 1)]
        parts = list(pairwise(bounds))
        _random.shuffle(parts)
        for after, until in parts:
            start: int | None = after
            while start is not None:
                last, rows = dry_run.page_end(
                    self._rules, self._channel, start, until, settings.CHUNK_SIZE
                )
                if last is not None:
                    yield self._chunk(ChunkKind.RANGE, rows, low=start + 1, high=last)
                start = last if rows == settings.CHUNK_SIZE else None

    def _chunk(
        self,
        kind: str,
        size: int,
        low: int | None = None,
        high: int | None = None,
        recipients: list[int] | None = None,
    ) -> LockedChunk:
        row = self._context.row
        return LockedChunk(
            id=0,
            kind=kind,
            notification_id=row.id,
            publisher_id=row.publisher_id,
            low_id=low,
            high_id=high,
            member_ids=None,
            recipient_ids=recipients,
            contact_ids=None,
            size=size,
            fence=0,
        )

    def _count(self, judged: list[Judged]) -> None:
        for reason, number, recipients in judged:
            if reason:
                self._found.not_sent[reason] += number
            else:
                self._count_sent(Counter(recipients))

    def _count_sent(self, addresses: Counter[int | None]) -> None:
        """Count deliveries that no preference keeps from being sent, by their recipients.

        As in a claim, digests are asked before quiet hours, and caps of what waits for neither.
        """
        turns = self._times.turns(addresses, quiet=not self._turn.reason)
        if self._asked and not self._turn.reason:
            turns |= self._digested(
                one for one in addresses if turns.get(one, self._turn).reason not in _OWN_TIME
            )
        for recipient_id, turn in turns.items():
            if turn.reason in _UNCOUNTED:
                self._count_turn(recipient_id, addresses.pop(recipient_id), turn)
        if self._capped and (over := self._over_cap(addresses)):
            self._found.not_sent[FREQUENCY_CAP] += over
        for recipient_id, number in addresses.items():
            self._count_turn(recipient_id, number, turns.get(recipient_id, self._turn))

    def _count_turn(self, recipient_id: int | None, number: int, turn: Turn) -> None:
        """Count one person's deliveries, or those to all bare endpoints, which none keeps back."""
        expires_at = self._context.row.expires_at
        if turn.due is None:
            self._found.not_sent[turn.reason] += number
        elif expires_at is not None and expires_at.timestamp() <= turn.due:
            self._found.not_sent[Reason.EXPIRED] += number
        else:
            self._found.people += number if recipient_id is None else 1
            if turn.reason:
                self._found.later[turn.reason] += number
            else:
                self._found.now += number

    def _digested(self, recipient_ids: Iterable[int | None]) -> dict[int | None, Turn]:
        """Return when these recipients would be told it who would be told in a digest."""
        people = choices.of_people([one for one in recipient_ids if one is not None])
        now = clock.now()
        found: dict[int | None, Turn] = {}
        for recipient_id, person in people.items():
            until = self._asked.until(self._context, person, now)
            if until is not None:
                found[recipient_id] = Turn(Reason.DIGEST, until[1])
        return found

    def _over_cap(self, addresses: Counter[int | None]) -> int:
        """Return how many of the deliveries a cap would keep back; take their people out."""
        key = str(self._context.row.id)
        pairs = [(recipient_id, key) for recipient_id in addresses]
        takes = capping.takes_of(self._channel, pairs, {key: self._context})
        exceeded = frequency_counts.peek(self._channel, list(takes.values())) if takes else []
        over = 0
        for (recipient_id, _), cap in zip(takes, exceeded, strict=True):
            if cap is not None:
                over += addresses.pop(recipient_id)
        return over


def _reason_to_wait(
    draft: Draft, context: NotificationContext, channel: str, number: int = 0
) -> str:
    """Return why nothing would be sent on the channel at once, to anybody; empty if it would."""
    row = context.row
    if draft.local is None and row.send_at is not None and row.send_at > row.created_at:
        return SCHEDULED
    if number or (draft.fallback is not None and channel == draft.fallback.channel):
        return FALLBACK
    if context.topic is not None and context.topic.paused:
        return Reason.TOPIC_PAUSED
    if availability.shut([channel]):
        paused = provider_pauses.paused()
        every = all(name in paused for name in availability.providers(channel))
        return Reason.PROVIDER_PAUSED if every else Reason.PROVIDER_DOWN
    return ""
