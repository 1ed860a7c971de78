"""What providers report later: stored as it comes, read in batches, applied to deliveries.

One reader at a time: beat asks for one every second, and who finds another at work leaves. So a
flood of receipts takes one thread of a worker and is read in large batches, and two receipts that
say the same cannot both be the first.
"""

import logging
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from apps.core import clock
from apps.delivery import state as delivery_state
from apps.delivery.flow import address_guards
from apps.delivery.models import Delivery, Receipt, ReceiptEvent
from apps.delivery.monitoring import metrics
from apps.delivery.receipts import attribution
from apps.delivery.receipts.attribution import Stranger
from apps.delivery.state import DeliveryStanding, suppression
from apps.delivery.state.suppression import Cause
from apps.preferences.vault import keyring
from notifier.domain import delivery_ids
from notifier.domain.delivery_ids import DeliveryId
from notifier.domain.states import WAITING, DeliveryState
from notifier.providers.base import log_bug
from notifier.receipts import (
    DOUBTED,
    HARD_BOUNCE,
    LOSSES,
    SUPPRESSING,
    Event,
    Receipts,
    ReportedEvent,
    after,
    build,
)
from notifier.resilience.breaker import Tally
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)

#: Receipts, or events that were kept, read in one transaction.
AT_ONCE = 500
#: A receipt may have a thousand events; after so many no further one is read in it.
EVENTS_AT_ONCE = 2_000
#: Events that spare a delivery its next attempt.
SPARING = [e for e in Event if after(DeliveryState.RETRYING, e) != DeliveryState.RETRYING]
#: Where the loss of its message moves a delivery, with the reason.
UNDELIVERED = (DeliveryState.BOUNCED, DeliveryState.DEAD)
#: The advisory lock of the one reader: its first and second number.
LOCK = (2, 0)
#: What is read is kept for so long, without its body: to see that something comes at all.
KEPT = timedelta(days=1)


def reader_of(provider: str) -> Receipts | None:
    """Who verifies and reads this provider's receipts; ``None`` where none are taken."""
    entry: Mapping[str, Any] = settings.PROVIDERS.get(provider, {}).get("receipts", {})
    return build(entry) if entry else None


def store(provider: str, query: str, body: bytes) -> None:
    """Keep a receipt whose signature was verified."""
    sealed = keyring().encrypt(query.encode() + b"\n" + body, _context(provider))
    Receipt.objects.create(provider=provider, body=sealed)


def read() -> int:
    """Read every receipt there is, and apply what had to wait; how many receipts were read."""
    total = 0
    while count := _read_next():
        total += count
    while _next(_apply_kept) == AT_ONCE:
        pass
    return total


def _read_next() -> int:
    """Read the next ones; each by itself where one of them is odd, lest it stop the others."""
    try:
        return _next(_read_some)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log_bug("receipts are read one by one", error)
        return _next(_read_each)


def _next(some: Any) -> int:
    """What ``some`` did, in a transaction of its own; nothing while somebody else reads."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
            if not cursor.fetchone()[0]:
                return 0
        done: int = some()
        return done


def _read_each() -> int:
    keys = list(_unread().values_list("pk", flat=True)[:AT_ONCE])
    for key in keys:
        try:
            with transaction.atomic():
                _read_some(_unread().filter(pk=key))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log_bug(f"receipt {key} cannot be applied", error)
            Receipt.objects.filter(pk=key).update(read_at=clock.moment())
    return len(keys)


def _unread() -> QuerySet[Receipt]:
    return Receipt.objects.filter(read_at__isnull=True).order_by("id")


def _some_at_a_time() -> Iterator[Receipt]:
    """Up to ``AT_ONCE`` receipts, ten in memory at a time: a batch of SendGrid's may be large."""
    keys = list(_unread().values_list("pk", flat=True)[:AT_ONCE])
    for start in range(0, len(keys), 10):
        yield from Receipt.objects.filter(pk__in=keys[start : start + 10]).order_by("pk")


def _read_some(receipts: QuerySet[Receipt] | None = None) -> int:
    rows = _some_at_a_time() if receipts is None else receipts
    said: list[_Said] = []
    read, unreadable = [], []
    for row in rows:
        if len(said) >= EVENTS_AT_ONCE:
            break
        try:
            said += _open(row)
        except (DecryptionError, ValueError) as error:
            # It must not stop the others, and nobody repeats it: it keeps its body.
            log.error("receipt %d of %s cannot be read: %s", row.pk, row.provider, error)
            unreadable.append(row.pk)
        except Exception as error:
            log_bug(f"receipt {row.pk} of {row.provider} cannot be read", error)
            unreadable.append(row.pk)
        else:
            read.append(row.pk)
    _apply(said)
    now = clock.moment()
    Receipt.objects.filter(pk__in=read).update(read_at=now, body=b"")
    Receipt.objects.filter(pk__in=unreadable).update(read_at=now)
    return len(read) + len(unreadable)


@dataclass(frozen=True, slots=True)
class _Said:
    """One event about the delivery of this key."""

    delivery: int
    provider: str
    at: datetime
    told: ReportedEvent
    name: DeliveryId


def _open(row: Receipt) -> list[_Said]:
    reader = reader_of(row.provider)
    if reader is None:
        raise ValueError("its provider is not in the settings any more")
    opened = keyring().decrypt(bytes(row.body), _context(row.provider))
    query, _, body = opened.partition(b"\n")
    said = []
    for told in reader.read(query.decode(), body):
        name = delivery_ids.parse(told.delivery_id)
        if name is None or not attribution.is_ours(name):
            _ignore(row.provider, Stranger.INSTALLATION)
            continue
        at = row.received_at if told.at is None else datetime.fromtimestamp(told.at, UTC)
        said.append(_Said(name.number, row.provider, at, told, name))
    return said


def _ignore(provider: str, why: Stranger) -> None:
    metrics.RECEIPT_EVENTS_IGNORED.labels(provider, why).inc()


def _context(provider: str) -> bytes:
    return b"receipt:" + provider.encode()


# -- Applying ---------------------------------------------------------------------------------


def _apply(said: Sequence[_Said]) -> None:
    ids = {one.delivery for one in said}
    locked = delivery_state.lock_standings(ids)
    # Who is not there is being written by a worker just now, or nobody we know.
    standing = {**delivery_state.read_standings(ids - locked.keys()), **locked}
    addresses = attribution.addresses(standing.values())
    known = _Known(ids)
    advance = _Advance(locked)
    rows, suppressed = [], {}
    news: list[tuple[_Said, bool]] = []
    for one in said:
        delivery, told = standing.get(one.delivery), one.told
        address = addresses.get(one.delivery, "")
        why = attribution.stranger(told, one.provider, one.name, delivery, address)
        if why is not None or delivery is None:
            _ignore(one.provider, why or Stranger.DELIVERY)
        elif known.is_news(one):
            undecided = attribution.is_undecided(delivery, one.provider, told.message_id)
            news.append((one, undecided))
    doubted = _doubted((one.provider, one.told) for one, undecided in news if not undecided)
    for one, undecided in news:
        told = one.told if undecided else _believable(one.provider, one.told, doubted)
        moved = not undecided and advance.by(one.delivery, one.provider, told)
        pending = undecided or (not moved and advance.waits(one.delivery))
        if told.event is Event.ACCEPTED and not (moved or pending):
            continue  # we knew
        rows.append(
            ReceiptEvent(
                delivery_id=one.delivery,
                provider=one.provider,
                event=told.event,
                reason=told.reason,
                detail=told.detail,
                message_id=told.message_id,
                at=one.at,
                pending=pending,
                attributed=not undecided,
            )
        )
        if told.reason in SUPPRESSING and not undecided:
            suppressed[one.delivery] = Cause(told.reason, one.provider, told.detail, one.delivery)
    ReceiptEvent.objects.bulk_create(rows)
    _suppress(suppressed)  # before the counts, as whoever records does
    advance.write()


def _doubted(events: Iterable[tuple[str, ReportedEvent]]) -> set[str]:
    """Count what these events, by provider, say of addresses; those providers that call too many of
    them dead to be believed."""
    tallies: dict[str, Tally] = {}
    for provider, told in events:
        if told.reason == HARD_BOUNCE:
            counted = Tally(1, 1, 1)
        elif after(DeliveryState.ACCEPTED, told.event) is DeliveryState.DELIVERED:
            counted = Tally(1)
        else:
            continue
        tallies[provider] = tallies.get(provider, Tally()) + counted
    return address_guards.check_receipts(tallies)


def _believable(provider: str, told: ReportedEvent, doubted: Container[str]) -> ReportedEvent:
    """The same, or a mistake of ours."""
    if provider in doubted and told.reason == HARD_BOUNCE:
        return replace(told, reason=DOUBTED)
    return told


def _apply_kept() -> int:
    """Apply events that came before our own record of the attempt, where that is there now.

    What turns out to be about another message than the delivery's is forgotten.
    """
    rows = list(
        ReceiptEvent.objects.raw(
            "SELECT e.* FROM delivery_receiptevent e "
            "JOIN delivery_delivery d ON d.id = e.delivery_id "
            "WHERE e.pending AND CASE WHEN NOT e.attributed THEN d.state <> 'sending' "
            "ELSE NOT d.state = ANY(%s) OR d.state = %s AND e.event = ANY(%s) END "
            "ORDER BY e.id LIMIT %s",
            [list(WAITING), DeliveryState.RETRYING, SPARING, AT_ONCE],
        )
    )
    if not rows:
        return 0
    locked = delivery_state.lock_standings({row.delivery_id for row in rows})
    advance = _Advance(locked)
    heard: list[ReceiptEvent] = []
    attributed, done, forgotten, suppressed = [], [], [], {}
    for row in rows:
        delivery = locked.get(row.delivery_id)
        if delivery is None:
            continue  # a worker has it again
        if not row.attributed:
            if not (delivery.took(row.provider, row.message_id) or delivery.may_have(row.provider)):
                forgotten.append(row.pk)
                _ignore(row.provider, Stranger.MESSAGE)
                continue
            attributed.append(row)
        heard.append(row)
    doubted = _doubted((row.provider, _kept(row)) for row in attributed)
    for row in heard:
        told = _kept(row)
        if not row.attributed:
            told = _believable(row.provider, told, doubted)
            row.reason, row.attributed = told.reason, True
            if told.reason in SUPPRESSING:
                cause = Cause(told.reason, row.provider, row.detail, row.delivery_id)
                suppressed[row.delivery_id] = cause
        moved = advance.by(row.delivery_id, row.provider, told)
        if moved or not advance.waits(row.delivery_id):
            done.append(row.pk)
    ReceiptEvent.objects.filter(pk__in=forgotten).delete()
    ReceiptEvent.objects.bulk_update(attributed, ["attributed", "reason"])
    ReceiptEvent.objects.filter(pk__in=done).update(pending=False)
    _suppress(suppressed)
    advance.write()
    return len(done) + len(forgotten)


def _kept(row: ReceiptEvent) -> ReportedEvent:
    return ReportedEvent("", Event(row.event), row.reason, message_id=row.message_id)


class _Known:
    """What earlier receipts, and this batch until now, said of these deliveries.

    What is said again, by the provider or by whoever overheard it, is no news: it moves nothing
    and brings no suppression back that was lifted.
    """

    def __init__(self, ids: Iterable[int]) -> None:
        rows = ReceiptEvent.objects.filter(delivery_id__in=ids)
        self._dated: set[tuple[int, str, str, str, datetime]] = set()
        self._ever: set[tuple[int, str, str, str]] = set()
        for row in rows.values_list("delivery_id", "provider", "event", "message_id", "at"):
            self._dated.add(row)
            self._ever.add(row[:4])

    def is_news(self, one: _Said) -> bool:
        ever = (one.delivery, one.provider, str(one.told.event), one.told.message_id)
        dated = (*ever, one.at)
        if dated in self._dated or (one.told.at is None and ever in self._ever):
            return False
        self._dated.add(dated)
        self._ever.add(ever)
        return True


class _Advance:
    """Where deliveries that stand somewhere move, one event after the other."""

    def __init__(self, standing: Mapping[int, DeliveryStanding]) -> None:
        self._standing = standing
        self._state = {key: DeliveryState(one.state) for key, one in standing.items()}
        self._reason: dict[int, str] = {}

    def waits(self, delivery: int) -> bool:
        """Whether our own record of the attempt is not there yet: then it cannot move."""
        state = self._state.get(delivery)
        return state is None or state in WAITING

    def by(self, delivery: int, provider: str, told: ReportedEvent) -> bool:
        """Whether the event moves it. The loss of a message moves what was sent as that one."""
        state = self._state.get(delivery)
        if state is None or (new := after(state, told.event, told.reason)) == state:
            return False
        standing = self._standing[delivery]
        if told.event in LOSSES and not standing.was_sent_as(provider, told.message_id):
            return False
        self._state[delivery] = new
        self._reason[delivery] = told.reason if new in UNDELIVERED else ""
        return True

    def write(self) -> None:
        delivery_state.apply_receipts(
            [
                (self._standing[key], self._state[key], reason)
                for key, reason in self._reason.items()
            ]
        )


def _suppress(causes: Mapping[int, Cause]) -> None:
    if not causes:
        return
    rows = Delivery.objects.filter(pk__in=causes, contact_id__isnull=False)
    suppression.suppress_contacts(
        {contact: causes[pk] for pk, contact in rows.values_list("pk", "contact_id")}
    )
