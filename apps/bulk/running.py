"""Begin, work off and abort bulk actions.

A batch and the progress that it makes are one transaction, which has the row of the action locked.
So a process may be killed anywhere: what it had not committed is done by the next one, and nothing
is done or counted twice. One process at a time works on an action, under a lease that it renews
with each batch. An abort waits for the batch under way, and no further one begins.
"""

import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.http import HttpRequest
from prometheus_client import Counter
from rest_framework.request import Request
from uuid_utils.compat import uuid7

from apps.bulk import actions
from apps.bulk.actions.base import Batch, impersonal
from apps.bulk.models import BulkAction
from apps.core import clock
from apps.publishers import audit
from apps.publishers.audit import Actor
from notifier.providers.base import log_bug

#: Time after which a process that was silent loses its lease.
LEASE = timedelta(seconds=60)
#: Seconds after which a tick ends; the next one goes on.
LONGEST_TICK = 20.0
#: Seconds that one action may take of a tick while others wait.
TURN = 2.0
#: Milliseconds that counting what matches may take.
LONGEST_COUNT = 2_000

#: The name under which ``manage.py hold`` aborts actions.
HOLD = "hold"

ROWS = Counter("notifier_bulk_rows_total", "Rows of bulk actions, by action.", ["action"])

_ticking = threading.Lock()
_last: UUID | None = None


@transaction.atomic
def begin(
    request: Request | HttpRequest,
    action: str,
    match: Mapping[str, Any],
    publisher_id: int | None,
    asked_at: datetime | None = None,
) -> BulkAction:
    """Note that ``action`` is to be done to all that match; it begins within a second.

    ``asked_at``: when its rows were counted, if somebody confirmed that; what comes later is none
    of them.
    """
    actor = audit.actor_of(request)
    row = BulkAction.objects.create(
        id=uuid7(),
        action=action,
        publisher_id=publisher_id,
        match=dict(match),
        asked_kind=actor.kind,
        asked_by=actor.name[: audit.LONGEST_ACTOR],
    )
    if asked_at is not None:
        row.requested_at = asked_at
        row.save(update_fields=["requested_at"])
    audit.record(
        request,
        "begin",
        "bulk_action",
        str(row.pk),
        publisher_id=publisher_id,
        after={"action": action, "match": impersonal(match)},
    )
    return row


@transaction.atomic
def abort(request: Request | HttpRequest, key: UUID) -> bool:
    """End an action after the batch under way; return whether it was not finished before."""
    row = BulkAction.objects.select_for_update().filter(pk=key, finished_at=None).first()
    if row is None:
        return False
    _end(row, audit.actor_of(request).name)
    after = {"done": row.done, "total": row.total}
    audit.record(
        request, "abort", "bulk_action", str(key), publisher_id=row.publisher_id, after=after
    )
    return True


@transaction.atomic
def abort_all() -> list[str]:
    """Abort what is not finished; return a sentence for each.

    For a database that was restored: what they do may have been done since the backup, or not be
    wanted any more.
    """
    aborted = []
    rows = BulkAction.objects.select_for_update().filter(finished_at=None).order_by("id")
    for row in rows:
        _end(row, HOLD)
        audit.record(
            None,
            "abort",
            "bulk_action",
            str(row.pk),
            publisher_id=row.publisher_id,
            after={"done": row.done, "total": row.total},
        )
        aborted.append(
            f"The bulk action {row.pk} ({row.action}, asked for by {row.asked_by}) is aborted "
            f"after {row.done:,} rows. Begin it again if it is still wanted."
        )
    return aborted


def tick() -> None:
    """Go on with the actions that are not finished, in turns; a fault stops no other.

    A process runs one tick at a time, so that other periodic work has its threads. It goes on
    behind the action that had the last turn.
    """
    global _last
    if not _ticking.acquire(blocking=False):
        return
    try:
        until = time.monotonic() + LONGEST_TICK
        left = True
        while left and time.monotonic() < until:
            left = False
            rows = BulkAction.objects.filter(finished_at=None)
            keys = list(rows.order_by("id").values_list("pk", flat=True))
            for key in sorted(keys, key=lambda key: (_last is not None and key <= _last, key)):
                _last = key
                try:
                    left = go_on(key, TURN) or left
                except Exception as error:
                    log_bug(f"the bulk action {key} is tried again", error)
                if time.monotonic() > until:
                    break
    finally:
        _ticking.release()


def go_on(key: UUID, seconds: float) -> bool:
    """Work on an action for so long; return whether this process might do more of it."""
    row, first = _take(key)
    if row is None:
        return False
    until = time.monotonic() + seconds
    try:
        if first:
            BulkAction.objects.filter(pk=key).update(total=count(row))
        while True:
            for batch in actions.of(row).batches(row):
                if not _do(row, batch):
                    return False
                if time.monotonic() > until:
                    return True
    finally:
        mine = BulkAction.objects.filter(pk=key, leased_until=row.leased_until)
        mine.update(leased_until=None)


def count(row: BulkAction) -> int | None:
    """Count the rows that match; ``None`` if that takes longer than ``LONGEST_COUNT``."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_COUNT}")
            return actions.of(row).total(row)
    except OperationalError:
        return None


def purge() -> int:
    """Delete actions that were finished more than ``AUDIT_DAYS`` ago; return how many."""
    before = clock.moment() - timedelta(days=settings.AUDIT_DAYS)
    deleted, _ = BulkAction.objects.filter(finished_at__lt=before).delete()
    return deleted


def _end(row: BulkAction, by: str) -> None:
    _finish(row, clock.moment())
    row.aborted_by = by[: audit.LONGEST_ACTOR]
    row.save(update_fields=[*_FINISHED, "aborted_by"])


#: Columns that ``_finish`` sets.
_FINISHED = ("finished_at", "leased_until", "match")


def _finish(row: BulkAction, at: datetime) -> None:
    """End an action: nothing needs the criteria any more that tell of people."""
    row.finished_at, row.leased_until = at, None
    row.match = impersonal(row.match)


@transaction.atomic
def _take(key: UUID) -> tuple[BulkAction | None, bool]:
    """Return an unfinished action under a lease of this process, and whether it begins with that.

    ``None`` if another process has it.
    """
    now = clock.moment()
    rows = BulkAction.objects.select_for_update(skip_locked=True)
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    row = rows.filter(free, pk=key, finished_at=None).first()
    if row is None:
        return None, False
    row.leased_until = now + LEASE
    first = row.started_at is None
    row.started_at = row.started_at or now
    row.save(update_fields=["leased_until", "started_at"])
    return row, first


@transaction.atomic
def _do(held: BulkAction, batch: Batch) -> bool:
    """Do a batch of an action; return whether there may be another one for this process."""
    rows = BulkAction.objects.select_for_update()
    row = rows.filter(pk=held.pk, finished_at=None, leased_until=held.leased_until).first()
    if row is None:  # aborted, or another process has it
        return False
    step = batch(row)
    now = clock.moment()
    row.done += step.done
    row.counts = {
        name: row.counts.get(name, 0) + step.counts.get(name, 0)
        for name in sorted({*row.counts, *step.counts})
    }
    row.cursor = step.cursor or ""
    row.leased_until = now + LEASE
    if step.cursor is None:
        _finish(row, now)
    row.save(update_fields=["done", "counts", "cursor", *_FINISHED])
    actor = Actor(row.asked_kind, row.asked_by)
    for (action, kind, name, owner), after in step.events.items():
        audit.record(None, action, kind, name, actor=actor, publisher_id=owner, after=dict(after))
    transaction.on_commit(lambda: ROWS.labels(row.action).inc(step.done))
    held.cursor, held.leased_until = row.cursor, row.leased_until
    return step.cursor is not None and not step.waits
