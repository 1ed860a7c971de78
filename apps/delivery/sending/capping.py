"""Frequency caps: suppress what would be more than a person is to be sent, in the claim.

A digest that exceeds one stays open instead, and is asked again (``LOOKS``).

Asked last: only deliveries that are about to be sent count, and what waits for the end of quiet
hours counts once it is claimed again. Neither asked nor counted: high priority, what no preference
can refuse, and what goes to bare endpoints. Whether anybody has set a cap on a channel is cached in
each process, so that a claim without caps asks nothing.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from prometheus_client import Counter as CounterMetric

from apps.core import clock
from apps.core.database_errors import FAILURES
from apps.delivery.flow import frequency_counts
from apps.delivery.flow.frequency_counts import Take
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending.notifications import NotificationContext
from apps.delivery.state import Claimed, Result, deferral
from apps.delivery.state.deferral import Deferred
from apps.delivery.state.eligibility import frequency
from apps.preferences.frequency import caps
from notifier.domain import digests
from notifier.domain.frequency import Cap
from notifier.domain.outcomes import Reason
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState

log = logging.getLogger(__name__)

#: States in which a delivery ends without having been sent.
NOT_SENT = frozenset(
    (DeliveryState.FAILED, DeliveryState.DEAD, DeliveryState.EXPIRED, DeliveryState.CANCELLED)
)
#: Times in a cap's window at which a digest that exceeds it is asked again, and seconds after it
#: was opened from which on it is suppressed: its people's caps may never have room for it.
LOOKS, LONGEST = 24, 2 * digests.LONGEST
CAPPED = CounterMetric(
    "notifier_frequency_capped_total",
    "Deliveries suppressed for a frequency cap, by who set it.",
    ["channel", "setter"],
)


class Counted(NamedTuple):
    """The store and time of the counts of a claim's deliveries, each by its id."""

    generation: int
    at: int
    takes: Mapping[int, Take]


def cap(
    queue: Queue,
    claim_id: int,
    rows: Sequence[Claimed],
    contexts: Mapping[str, NotificationContext],
    *,
    ordered: bool,
) -> tuple[Sequence[Claimed], Counted | None]:
    """Suppress those of a claim's deliveries that exceed a cap, and count the others.

    A digest is not suppressed for a fortnight: it stays open, so that what it tells is told later.
    Returns ``rows`` with their new states. ``ordered``: some have an ordering key, and the caller
    holds the locks of their lines. Raises ``frequency_counts.CountingLost``.
    """
    if queue.priority == Priority.HIGH or not caps.exist(queue.channel):
        return rows, None
    sending = [row for row in rows if row.state == DeliveryState.SENDING]
    takes = takes_of(
        queue.channel, [(row.recipient_id, row.notification_id) for row in sending], contexts
    )
    if not takes:
        return rows, None
    taken = frequency_counts.take(queue.channel, claim_id, list(takes.values()))
    over = {
        key: exceeded
        for key, exceeded in zip(takes, taken.exceeded, strict=True)
        if exceeded is not None
    }
    exceeding: dict[int, str] = {}
    counted: dict[int, Take] = {}
    number: Counter[str] = Counter()
    deferred: dict[int, Deferred] = {}
    now = clock.now()
    for row in sending:
        key = (row.recipient_id, row.notification_id)
        if key in over and _stays_open(row, contexts[row.notification_id], now):
            until = now + over[key].per.seconds / LOOKS
            deferred[row.delivery_id] = Deferred(row.delivery_id, until, over[key].label)
        elif key in over:
            exceeding[row.delivery_id] = over[key].label
            number[over[key].setter] += 1
        elif key in takes:
            counted[row.delivery_id] = takes[key]
    if exceeding:
        rows = frequency.suppress_exceeding(rows, exceeding, ordered=ordered)
        for setter, times in number.items():
            CAPPED.labels(queue.channel, setter).inc(times)
    if deferred:
        deferral.defer_deliveries(list(deferred.values()), Reason.DIGEST)
        rows = [
            row._replace(state=DeliveryState.RETRYING) if row.delivery_id in deferred else row
            for row in rows
        ]
    return rows, Counted(taken.generation, taken.at, counted) if taken.at else None


def _stays_open(row: Claimed, context: NotificationContext, now: float) -> bool:
    """Return whether a delivery is a digest that was never tried and has not waited too long."""
    waited = now - context.row.created_at.timestamp()
    return context.is_digest and not row.attempts and waited < LONGEST


def takes_of(
    channel: str,
    people: Sequence[tuple[int | None, str]],
    contexts: Mapping[str, NotificationContext],
) -> dict[tuple[int | None, str], Take]:
    """Return what is to be counted for these recipients and notification ids, oldest first."""
    found: dict[tuple[int | None, str], Take] = {}
    companys: dict[str, tuple[Cap, ...] | None] = {
        key: None if one.exempt else caps.of_company(channel, one.category)
        for key, one in contexts.items()
    }
    asked = {
        (recipient_id, key)
        for recipient_id, key in people
        if recipient_id is not None and companys[key] is not None
    }
    own = caps.of_people(channel, {recipient_id for recipient_id, _ in asked}) if asked else {}
    longest = caps.longest_of_company(channel)
    for recipient_id, key in sorted(dict.fromkeys(people), key=itemgetter(1)):
        if (recipient_id, key) not in asked or recipient_id is None:
            continue
        category, all_caps, keep = contexts[key].category, companys[key] or (), longest
        if recipient_id in own:
            mine = own[recipient_id]
            all_caps += tuple(one for one in mine if one.category in ("", category))
            keep = max(keep, *(one.per.seconds for one in mine))
        if all_caps:
            found[recipient_id, key] = Take(recipient_id, key, category, all_caps, keep)
    return found


def give_back(channel: str, counted: Counted, results: Sequence[Result | Claimed]) -> None:
    """Count what failed for good no longer, if no other address of the person got it.

    ``results``: of attempts, or rows of a claim whose digests had nothing left to tell.

    Without it people would be sent less than they may be, and not more: an error is only logged.
    """
    failed = [
        result.delivery_id
        for result in results
        if result.state in NOT_SENT and result.delivery_id in counted.takes
    ]
    if not failed:
        return
    try:
        gone = frequency.nothing_sent(failed)
    except FAILURES as error:
        log.warning("failed messages go on counting for frequency caps: %s", type(error).__name__)
        return
    takes = [counted.takes[delivery_id] for delivery_id in gone]
    frequency_counts.give_back(counted.generation, counted.at, channel, takes)
