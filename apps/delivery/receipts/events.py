"""Apply events of receipts: move deliveries, suppress addresses, keep events that came early."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import OuterRef, Subquery

from apps.core import tracing
from apps.delivery import state as delivery_state
from apps.delivery import traces
from apps.delivery.flow import address_guards
from apps.delivery.models import Attempt, Delivery, ReceiptEvent
from apps.delivery.monitoring import metrics
from apps.delivery.receipts import attribution
from apps.delivery.receipts.attribution import IgnoreReason
from apps.delivery.state import DeliveryStatus
from apps.preferences.contacts import disabling
from apps.preferences.contacts.disabling import ProviderReport
from notifier.domain.ids.delivery_ids import DeliveryId
from notifier.domain.redaction import without_address
from notifier.domain.states import WAITING, DeliveryState
from notifier.receipts import (
    HARD_BOUNCE,
    LOSSES,
    MANY_DEAD_ADDRESSES,
    SUPPRESSING,
    Event,
    ReportedEvent,
    after,
)
from notifier.resilience.breaker import Tally

#: Events after which a delivery that waits for its next attempt needs none.
SPARING = [e for e in Event if after(DeliveryState.RETRYING, e) != DeliveryState.RETRYING]
#: States that a lost message moves a delivery to; the event's reason is recorded with them.
UNDELIVERED = (DeliveryState.BOUNCED, DeliveryState.DEAD)


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """An event about the delivery with this id. ``name``: the id as the receipt has it."""

    delivery: int
    provider: str
    at: datetime
    reported: ReportedEvent
    name: DeliveryId


def ignore(provider: str, why: IgnoreReason) -> None:
    """Count an event that is ignored."""
    metrics.RECEIPT_EVENTS_IGNORED.labels(provider, why).inc()


def apply(events: Sequence[DeliveryEvent]) -> None:
    """Store events that are new and apply them. In the caller's transaction."""
    since = tracing.now()
    ids = {one.delivery for one in events}
    locked = delivery_state.lock_statuses(ids)
    # A delivery that could not be locked is being written by a worker, or does not exist.
    statuses = {**delivery_state.read_statuses(ids - locked.keys()), **locked}
    addresses = attribution.addresses(statuses.values())
    earlier = _EarlierEvents(ids)
    transitions = _Transitions(locked)
    rows, suppressed = [], {}
    new_events: list[tuple[DeliveryEvent, bool]] = []
    for one in events:
        delivery, reported = statuses.get(one.delivery), one.reported
        address = addresses.get(one.delivery, "")
        why = attribution.ignore_reason(reported, one.provider, one.name, delivery, address)
        if why is not None or delivery is None:
            ignore(one.provider, why or IgnoreReason.DELIVERY)
        elif earlier.is_new(one):
            undecided = attribution.is_undecided(delivery, one.provider, reported.message_id)
            new_events.append((one, undecided))
    guarded = _guarded(
        (one.provider, one.reported) for one, undecided in new_events if not undecided
    )
    for one, undecided in new_events:
        reported = one.reported if undecided else _believable(one.provider, one.reported, guarded)
        if reported.detail:
            known = addresses.get(one.delivery, "")
            reported = replace(reported, detail=without_address(reported.detail, known))
        moved = not undecided and transitions.apply(one.delivery, one.provider, reported)
        pending = undecided or (not moved and transitions.waits(one.delivery))
        if reported.event is Event.ACCEPTED and not (moved or pending):
            continue  # the attempt has recorded that already
        rows.append(
            ReceiptEvent(
                delivery_id=one.delivery,
                provider=one.provider,
                event=reported.event,
                reason=reported.reason,
                detail=reported.detail,
                message_id=reported.message_id,
                at=one.at,
                pending=pending,
                attributed=not undecided,
            )
        )
        if reported.reason in SUPPRESSING and not undecided:
            suppressed[one.delivery] = ProviderReport(
                reported.reason, one.provider, reported.detail, one.delivery
            )
    ReceiptEvent.objects.bulk_create(rows)
    _suppress(suppressed)  # before the counts: the order in which recording takes its locks
    transitions.write()
    traces.record_receipts(
        ((one.delivery, one.provider, one.reported.event) for one, _ in new_events), since
    )


def _guarded(events: Iterable[tuple[str, ReportedEvent]]) -> set[str]:
    """Count reports of dead addresses; return providers with too many of them to be believed."""
    tallies: dict[str, Tally] = {}
    for provider, reported in events:
        if reported.reason == HARD_BOUNCE:
            counted = Tally(1, 1, 1)
        elif after(DeliveryState.ACCEPTED, reported.event) is DeliveryState.DELIVERED:
            counted = Tally(1)
        else:
            continue
        tallies[provider] = tallies.get(provider, Tally()) + counted
    return address_guards.check_receipts(tallies)


def _believable(provider: str, reported: ReportedEvent, guarded: Container[str]) -> ReportedEvent:
    """Return the event; if its provider is guarded, with a reason that blames no address."""
    if provider in guarded and reported.reason == HARD_BOUNCE:
        return replace(reported, reason=MANY_DEAD_ADDRESSES)
    return reported


def apply_pending(limit: int) -> int:
    """Apply up to ``limit`` events that came before their attempt was recorded, if it is by now.

    Events that turn out to be about a message of somebody else are deleted. Returns the number of
    events that are done with.
    """
    rows = list(
        ReceiptEvent.objects.raw(
            "SELECT e.* FROM delivery_receiptevent e "
            "JOIN delivery_delivery d ON d.id = e.delivery_id "
            "WHERE e.pending AND CASE WHEN NOT e.attributed THEN d.state <> 'sending' "
            "ELSE NOT d.state = ANY(%s) OR d.state = %s AND e.event = ANY(%s) END "
            "ORDER BY e.id LIMIT %s",
            [list(WAITING), DeliveryState.RETRYING, SPARING, limit],
        )
    )
    if not rows:
        return 0
    locked = delivery_state.lock_statuses({row.delivery_id for row in rows})
    transitions = _Transitions(locked)
    known_rows: list[ReceiptEvent] = []
    attributed, done, forgotten, suppressed = [], [], [], {}
    for row in rows:
        delivery = locked.get(row.delivery_id)
        if delivery is None:
            continue  # a worker is sending it again
        if not row.attributed:
            if not (delivery.took(row.provider, row.message_id) or delivery.may_have(row.provider)):
                forgotten.append(row.pk)
                ignore(row.provider, IgnoreReason.MESSAGE)
                continue
            attributed.append(row)
        known_rows.append(row)
    guarded = _guarded((row.provider, _reported(row)) for row in attributed)
    for row in known_rows:
        reported = _reported(row)
        if not row.attributed:
            reported = _believable(row.provider, reported, guarded)
            row.reason, row.attributed = reported.reason, True
            if reported.reason in SUPPRESSING:
                suppressed[row.delivery_id] = ProviderReport(
                    reported.reason, row.provider, row.detail, row.delivery_id
                )
        moved = transitions.apply(row.delivery_id, row.provider, reported)
        if moved or not transitions.waits(row.delivery_id):
            done.append(row.pk)
    ReceiptEvent.objects.filter(pk__in=forgotten).delete()
    ReceiptEvent.objects.bulk_update(attributed, ["attributed", "reason"])
    ReceiptEvent.objects.filter(pk__in=done).update(pending=False)
    _suppress(suppressed)
    transitions.write()
    return len(done) + len(forgotten)


def _reported(row: ReceiptEvent) -> ReportedEvent:
    return ReportedEvent("", Event(row.event), row.reason, message_id=row.message_id)


class _EarlierEvents:
    """Events of these deliveries that were stored before, or are in this batch.

    An event that is repeated, by the provider or by somebody who replays its receipt, moves nothing
    and does not renew a suppression that was lifted.
    """

    def __init__(self, ids: Iterable[int]) -> None:
        rows = ReceiptEvent.objects.filter(delivery_id__in=ids)
        self._dated: set[tuple[int, str, str, str, datetime]] = set()
        self._ever: set[tuple[int, str, str, str]] = set()
        for row in rows.values_list("delivery_id", "provider", "event", "message_id", "at"):
            self._dated.add(row)
            self._ever.add(row[:4])

    def is_new(self, one: DeliveryEvent) -> bool:
        """Return whether an event is not known yet, and remember it."""
        ever = (one.delivery, one.provider, str(one.reported.event), one.reported.message_id)
        dated = (*ever, one.at)
        if dated in self._dated or (one.reported.at is None and ever in self._ever):
            return False
        self._dated.add(dated)
        self._ever.add(ever)
        return True


class _Transitions:
    """State changes of locked deliveries, event by event."""

    def __init__(self, statuses: Mapping[int, DeliveryStatus]) -> None:
        self._statuses = statuses
        self._state = {key: DeliveryState(one.state) for key, one in statuses.items()}
        self._reason: dict[int, str] = {}

    def waits(self, delivery: int) -> bool:
        """Return whether the attempt is not recorded yet, so that the delivery cannot move."""
        state = self._state.get(delivery)
        return state is None or state in WAITING

    def apply(self, delivery: int, provider: str, reported: ReportedEvent) -> bool:
        """Apply an event; return whether it moves the delivery.

        The loss of a message moves only a delivery that was last sent as that message.
        """
        state = self._state.get(delivery)
        if state is None or (new := after(state, reported.event, reported.reason)) == state:
            return False
        status = self._statuses[delivery]
        if reported.event in LOSSES and not status.was_sent_as(provider, reported.message_id):
            return False
        self._state[delivery] = new
        self._reason[delivery] = reported.reason if new in UNDELIVERED else ""
        return True

    def write(self) -> None:
        """Write the final states."""
        delivery_state.apply_receipts(
            [
                (self._statuses[key], self._state[key], reason)
                for key, reason in self._reason.items()
            ]
        )


def _suppress(reports: Mapping[int, ProviderReport]) -> None:
    if not reports:
        return
    attempts = Attempt.objects.filter(delivery_id=OuterRef("pk")).order_by("-number")
    rows = Delivery.objects.filter(pk__in=reports, contact_id__isnull=False)
    rows = rows.annotate(sent_at=Subquery(attempts.values("started_at")[:1]))
    disabling.suppress_addresses(
        {
            contact: reports[pk]._replace(sent_at=sent_at.timestamp()) if sent_at else reports[pk]
            for pk, contact, sent_at in rows.values_list("pk", "contact_id", "sent_at")
            if contact is not None
        }
    )
