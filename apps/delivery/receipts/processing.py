"""Store receipts as they come, and read them in batches.

There is one reader at a time: beat starts one every second, and it returns if another one is
reading. So a flood of receipts takes one thread of a worker and is read in large batches, and two
equal receipts are never read at the same time.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from apps.core import clock
from apps.delivery.models import Receipt
from apps.delivery.receipts import attribution, events
from apps.delivery.receipts.attribution import IgnoreReason
from apps.preferences.vault import keyring
from notifier.domain.ids import delivery_ids
from notifier.providers.base import log_bug
from notifier.receipts import Receipts, build
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)

#: Number of receipts, or of pending events, read in one transaction.
AT_ONCE = 500
#: Number of events after which a transaction reads no further receipt: one may have a thousand.
EVENTS_AT_ONCE = 2_000
#: The two numbers of the reader's advisory lock.
LOCK = (2, 0)
#: Retention of a read receipt, without its body; it shows that receipts arrive at all.
KEPT = timedelta(days=1)


def reader_for(provider: str) -> Receipts | None:
    """Return the reader of a provider's receipts, ``None`` if the settings have none."""
    entry = settings.PROVIDERS.get(provider)
    found = entry.get("receipts") if entry else None
    return build(found) if found else None


def store(provider: str, query: str, body: bytes) -> None:
    """Store a receipt, encrypted. Its signature must have been verified."""
    sealed = keyring().encrypt(query.encode() + b"\n" + body, context(provider))
    Receipt.objects.create(provider=provider, body=sealed)


def read() -> int:
    """Read all unread receipts, and apply pending events. Returns the number of receipts."""
    total = 0
    while count := _read_next():
        total += count
    while _locked(lambda: events.apply_pending(AT_ONCE)) == AT_ONCE:
        pass
    return total


def _read_next() -> int:
    """Read a batch; after an unexpected error, read its receipts one by one to isolate it."""
    try:
        return _locked(_read_batch)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log_bug("receipts are read one by one", error)
        return _locked(_read_one_by_one)


def _locked(action: Callable[[], int]) -> int:
    """Run ``action`` in a transaction under the reader's lock; 0 if another process has it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
            if not cursor.fetchone()[0]:
                return 0
        return action()


def _read_one_by_one() -> int:
    keys = list(_unread().values_list("pk", flat=True)[:AT_ONCE])
    for key in keys:
        try:
            with transaction.atomic():
                _read_batch(_unread().filter(pk=key))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log_bug(f"receipt {key} cannot be applied", error)
            Receipt.objects.filter(pk=key).update(read_at=clock.moment())
    return len(keys)


def _unread() -> QuerySet[Receipt]:
    return Receipt.objects.filter(read_at__isnull=True).order_by("id")


def _next_receipts() -> Iterator[Receipt]:
    """Yield up to ``AT_ONCE`` receipts, ten in memory at a time: one may be 2 MiB large."""
    keys = list(_unread().values_list("pk", flat=True)[:AT_ONCE])
    for start in range(0, len(keys), 10):
        yield from Receipt.objects.filter(pk__in=keys[start : start + 10]).order_by("pk")


def _read_batch(receipts: QuerySet[Receipt] | None = None) -> int:
    rows = _next_receipts() if receipts is None else receipts
    found: list[events.DeliveryEvent] = []
    read, unreadable = [], []
    for row in rows:
        if len(found) >= EVENTS_AT_ONCE:
            break
        try:
            found += _open(row)
        except (DecryptionError, ValueError) as error:
            # It must not stop the others. No provider repeats it, so its body is kept.
            log.error("receipt %d of %s cannot be read: %s", row.pk, row.provider, error)
            unreadable.append(row.pk)
        except Exception as error:
            log_bug(f"receipt {row.pk} of {row.provider} cannot be read", error)
            unreadable.append(row.pk)
        else:
            read.append(row.pk)
    events.apply(found)
    now = clock.moment()
    Receipt.objects.filter(pk__in=read).update(read_at=now, body=b"")
    Receipt.objects.filter(pk__in=unreadable).update(read_at=now)
    return len(read) + len(unreadable)


def _open(row: Receipt) -> list[events.DeliveryEvent]:
    reader = reader_for(row.provider)
    if reader is None:
        raise ValueError("its provider is not in the settings any more")
    opened = keyring().decrypt(bytes(row.body), context(row.provider))
    query, _, body = opened.partition(b"\n")
    found = []
    for reported in reader.read(query.decode(), body):
        name = delivery_ids.parse(reported.delivery_id)
        if name is None or not attribution.is_ours(name):
            events.ignore(row.provider, IgnoreReason.INSTALLATION)
            continue
        at = row.received_at if reported.at is None else datetime.fromtimestamp(reported.at, UTC)
        found.append(events.DeliveryEvent(name.number, row.provider, at, reported, name))
    return found


def context(provider: str) -> bytes:
    """Return the context in which a receipt of this provider is encrypted."""
    return b"receipt:" + provider.encode()
