"""What providers report later: stored as it comes, read in batches, applied to deliveries.

One reader at a time: beat asks for one every second, and who finds another at work leaves. So a
flood of receipts takes one thread of a worker and is read in large batches, and two receipts that
say the same cannot both be the first.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.delivery import suppressing, transitions
from apps.delivery.models import Delivery, Receipt, ReceiptEvent
from apps.delivery.suppressing import Cause
from apps.delivery.transitions import Standing
from apps.preferences.vault import keyring
from notifier.crypto import DecryptionError
from notifier.delivery_ids import number_of
from notifier.providers.base import log_bug
from notifier.receipts import LOSSES, SUPPRESSING, Event, Receipts, after, build
from notifier.states import WAITING, DeliveryState

log = logging.getLogger(__name__)

#: Receipts, or events that were kept, read in one transaction.
AT_ONCE = 500
#: A receipt may have a thousand events; after so many no further one is read in it.
EVENTS_AT_ONCE = 2_000
#: Events that spare a delivery its next attempt.
SPARING = [e for e in Event if after(DeliveryState.RETRYING, e) != DeliveryState.RETRYING]
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
            Receipt.objects.filter(pk=key).update(read_at=timezone.now())
    return len(keys)


def _unread() -> QuerySet[Receipt]:
    return Receipt.objects.filter(read_at__isnull=True).order_by("id")


def _read_some(receipts: QuerySet[Receipt] | None = None) -> int:
    rows = _unread()[:AT_ONCE] if receipts is None else receipts
    said: list[_Said] = []
    read, unreadable = [], []
    for row in rows.iterator(chunk_size=10):  # a batch of SendGrid's may be large
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
    now = timezone.now()
    Receipt.objects.filter(pk__in=read).update(read_at=now, body=b"")
    Receipt.objects.filter(pk__in=unreadable).update(read_at=now)
    return len(read) + len(unreadable)


@dataclass(frozen=True, slots=True)
class _Said:
    """One event. ``dated``: whether the provider said when."""

    delivery: int
    provider: str
    event: Event
    reason: str
    detail: str
    message_id: str
    at: datetime
    dated: bool


def _open(row: Receipt) -> list[_Said]:
    reader = reader_of(row.provider)
    if reader is None:
        raise ValueError("its provider is not in the settings any more")
    opened = keyring().decrypt(bytes(row.body), _context(row.provider))
    query, _, body = opened.partition(b"\n")
    said = []
    for told in reader.read(query.decode(), body):
        key = number_of(told.delivery_id)
        assert key is not None
        at = row.received_at if told.at is None else datetime.fromtimestamp(told.at, UTC)
        dated = told.at is not None
        said.append(
            _Said(
                key,
                row.provider,
                told.event,
                told.reason,
                told.detail,
                told.message_id,
                at,
                dated,
            ),
        )
    return said


def _context(provider: str) -> bytes:
    return b"receipt:" + provider.encode()


# -- Applying ---------------------------------------------------------------------------------


def _apply(said: Sequence[_Said]) -> None:
    ids = {one.delivery for one in said}
    if not ids:
        return
    standing = transitions.lock(ids)
    # Who is not there is being written by a worker just now, or nobody we know.
    busy = Delivery.objects.filter(pk__in=ids - standing.keys()).values_list("pk", "channel")
    channels = {**dict(busy), **{key: one.channel for key, one in standing.items()}}
    known = _Known(ids)
    advance = _Advance(standing)
    rows, suppressed = [], {}
    for one in said:
        if channels.get(one.delivery) != settings.PROVIDERS[one.provider]["channel"]:
            continue
        if not known.is_news(one):
            continue
        moved = advance.by(one)
        pending = not moved and advance.waits(one.delivery)
        if one.event is Event.ACCEPTED and not (moved or pending):
            continue  # we knew
        rows.append(
            ReceiptEvent(
                delivery_id=one.delivery,
                provider=one.provider,
                event=one.event,
                reason=one.reason,
                detail=one.detail,
                message_id=one.message_id,
                at=one.at,
                pending=pending,
            )
        )
        if one.reason in SUPPRESSING:
            suppressed[one.delivery] = Cause(one.reason, one.provider, one.detail, one.delivery)
    ReceiptEvent.objects.bulk_create(rows)
    if suppressed:
        _suppress(suppressed)  # before the counts, as whoever records does
    advance.write()


def _apply_kept() -> int:
    """Apply events that came before our own record of the attempt, where that is there now."""
    rows = list(
        ReceiptEvent.objects.raw(
            "SELECT e.* FROM delivery_receiptevent e "
            "JOIN delivery_delivery d ON d.id = e.delivery_id "
            "WHERE e.pending AND (NOT d.state = ANY(%s) OR d.state = %s AND e.event = ANY(%s)) "
            "ORDER BY e.id LIMIT %s",
            [list(WAITING), DeliveryState.RETRYING, SPARING, AT_ONCE],
        )
    )
    if not rows:
        return 0
    standing = transitions.lock({row.delivery_id for row in rows})
    advance = _Advance(standing)
    done = []
    for row in rows:
        moved = advance.by(_kept(row))
        if moved or not advance.waits(row.delivery_id):
            done.append(row.pk)
    ReceiptEvent.objects.filter(pk__in=done).update(pending=False)
    advance.write()
    return len(done)


def _kept(row: ReceiptEvent) -> _Said:
    return _Said(
        row.delivery_id,
        row.provider,
        Event(row.event),
        row.reason,
        row.detail,
        row.message_id,
        row.at,
        True,
    )


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
        ever = (one.delivery, one.provider, str(one.event), one.message_id)
        dated = (*ever, one.at)
        if dated in self._dated or (not one.dated and ever in self._ever):
            return False
        self._dated.add(dated)
        self._ever.add(ever)
        return True


class _Advance:
    """Where deliveries that stand somewhere move, one event after the other."""

    def __init__(self, standing: Mapping[int, Standing]) -> None:
        self._standing = standing
        self._state = {key: DeliveryState(one.state) for key, one in standing.items()}
        self._reason: dict[int, str] = {}

    def waits(self, delivery: int) -> bool:
        """Whether our own record of the attempt is not there yet: then it cannot move."""
        state = self._state.get(delivery)
        return state is None or state in WAITING

    def by(self, one: _Said) -> bool:
        """Whether the event moves it. The loss of a message moves what was sent as that one."""
        state = self._state.get(one.delivery)
        if state is None or (new := after(state, one.event)) == state:
            return False
        standing = self._standing[one.delivery]
        if one.event in LOSSES and not standing.was_sent_as(one.provider, one.message_id):
            return False
        self._state[one.delivery] = new
        self._reason[one.delivery] = one.reason if new is DeliveryState.BOUNCED else ""
        return True

    def write(self) -> None:
        transitions.settle(
            [
                (self._standing[key], self._state[key], reason)
                for key, reason in self._reason.items()
            ]
        )


def _suppress(causes: Mapping[int, Cause]) -> None:
    rows = Delivery.objects.filter(pk__in=causes, contact_id__isnull=False)
    suppressing.suppress_contacts(
        {contact: causes[pk] for pk, contact in rows.values_list("pk", "contact_id")}
    )
