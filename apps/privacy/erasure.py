"""Erase a person: from the directory at once, from everything else in batches.

``begin`` takes the person out of the directory: from its commit on nobody finds or reaches them.
The rest has each app erase its own rows. It takes turns of ``TURN`` seconds, so that an erasure for
which much is to be looked through holds no other up, and may stop anywhere: its row says how far it
is. One process at a time works on erasures, which read the same rows and would leave no thread for
other periodic work; it has a lease that it renews with each batch.

The order matters. Deliveries come first, since what they move is told to status webhooks. Then
transactions are waited for that began before: one may have found the person, and not have written
yet what it found them for. What is only found by name comes once nothing leads there any more, and
the rows that deliveries referred to go last.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from rest_framework.request import Request
from uuid_utils.compat import uuid7

from apps.core import clock, transactions
from apps.core.database_errors import FAILURES
from apps.delivery.maintenance import erasure as deliveries
from apps.delivery.maintenance.erasure import Erased
from apps.inbox import retention as inbox
from apps.pages import limits
from apps.preferences import erasure as directory
from apps.preferences.selectors import find_recipient
from apps.preferences.vault import keyring
from apps.privacy.models import Erasure
from apps.publishers import audit
from apps.publishers import personal as trail
from apps.schedules import personal as schedules
from apps.topics import erasure as topics
from notifier.providers.base import log_bug

#: Time after which a process that was silent loses its lease.
LEASE = timedelta(seconds=60)
#: Seconds after which an erasure lets the others have a turn.
TURN = 10.0
#: The advisory lock of taking one: any number that nothing else uses.
_TAKER = 731_205
#: Columns of an erasure's progress.
_NOTED = ("deliveries", "cleared_at", "notification_ids", "step", "position")


class TurnOver(Exception):
    """The end of a turn: its time is over, or another process works on the erasure."""


@transaction.atomic
def begin(user_id: str, request: Request | HttpRequest | None) -> Erasure | None:
    """Take a person out of the directory, and note that the rest is to be erased.

    Returns the last erasure of that ``user_id`` where there is no such recipient any more, so that
    a request can be repeated; ``None`` where there never was one.
    """
    found = directory.begin(user_id)
    subject = _subject(user_id)
    if found is None:
        return Erasure.objects.filter(subject=subject).order_by("-requested_at").first()
    topics.erase(found.recipient_id, found.contact_ids)
    inbox.erase_tickets(user_id)
    deliveries.forget_replies(found.numbers, _until(user_id))
    row = Erasure(
        id=uuid7(),
        subject=subject,
        recipient_id=found.recipient_id,
        contact_ids=found.contact_ids,
    )
    row.user_id = keyring().encrypt(user_id.encode(), context(row.pk))
    numbers = json.dumps({index.hex(): masked for index, masked in found.numbers.items()})
    row.numbers = keyring().encrypt(numbers.encode(), numbers_context(row.pk))
    row.save(force_insert=True)
    audit.record(
        request, "erase", "recipient", directory.mark(user_id), after={"erasure": str(row.pk)}
    )
    return row


def tick() -> None:
    """Give each erasure that is not done a turn; a fault stops no other.

    Does nothing while another process is at one.
    """
    began = clock.moment()
    while row := _take(Q(leased_until=None) | Q(leased_until__lt=began)):
        try:
            _turn(row)
        except Exception as error:
            log_bug(f"the erasure {row.pk} is tried again", error)


def purge() -> int:
    """Delete erasures that were done more than ``AUDIT_DAYS`` ago; return how many."""
    before = clock.moment() - timedelta(days=settings.AUDIT_DAYS)
    deleted, _ = Erasure.objects.filter(finished_at__lt=before).delete()
    return deleted


def go_on(key: UUID) -> bool:
    """Give one erasure a turn, if no other has one; return whether all of it is done.

    It is not where workers are still sending to the person.
    """
    if row := _take(Q(pk=key)):
        _turn(row)
    return Erasure.objects.filter(pk=key, finished_at__isnull=False).exists()


@transaction.atomic
def _take(which: Q) -> Erasure | None:
    """Return one that is not done, under a lease: of those, the one whose last turn is oldest.

    ``None`` while any is leased.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TAKER])
    now = clock.moment()
    rows = Erasure.objects.filter(finished_at=None)
    if rows.filter(leased_until__gt=now).exists():
        return None
    least = F("leased_until").asc(nulls_first=True)
    row = rows.filter(which).order_by(least, "requested_at").first()
    if row is not None:
        row.leased_until = now + LEASE
        row.save(update_fields=["leased_until"])
    return row


def _turn(row: Erasure) -> None:
    """Erase for a while, and give the lease back however that ends."""
    try:
        _erase(row, _Turn(row))
    except TurnOver:
        pass
    finally:
        with suppress(*FAILURES):  # where the database is away, the lease ends by itself
            _held(row).update(leased_until=clock.moment())


class _Turn:
    """The time for which an erasure goes on."""

    def __init__(self, row: Erasure) -> None:
        self._row = row
        self.begin()

    def begin(self) -> None:
        """Begin its time, anew after what each turn does to its end."""
        self._end = time.monotonic() + TURN

    def proceed(self) -> None:
        """Note how far it is and renew the lease; raise ``TurnOver`` at the end."""
        _note(self._row)
        if time.monotonic() >= self._end:
            raise TurnOver


def _note(row: Erasure) -> None:
    until = clock.moment() + LEASE
    noted = {name: getattr(row, name) for name in _NOTED}
    if not _held(row).update(leased_until=until, **noted):
        raise TurnOver
    row.leased_until = until


def _held(row: Erasure) -> "QuerySet[Erasure]":
    """Return its row, if this process still has the lease."""
    return Erasure.objects.filter(pk=row.pk, leased_until=row.leased_until)


def _erase(row: Erasure, turn: _Turn) -> None:
    """Erase what is left. Returns before the end where there is something to wait for."""
    recipient_id, contact_ids = row.recipient_id, row.contact_ids
    assert recipient_id is not None  # until it is done
    user_id = keyring().decrypt(bytes(row.user_id), context(row.pk)).decode()
    # Twice, since the first time nothing was cleared yet.
    if not (_clear(row, recipient_id, turn) or _clear(row, recipient_id, turn)):
        return
    # Again: one may have been taken, and not been written yet, when the erasure began.
    deliveries.forget_replies(_numbers(row), _until(user_id))
    while inbox.erase(recipient_id):
        turn.proceed()
    steps = _steps(row, user_id)
    while row.step < len(steps):
        for position in steps[row.step](row.position):
            row.position = position
            turn.proceed()
        row.step, row.position = row.step + 1, ""
    deliveries.forget_counts(recipient_id)
    limits.forget(user_id)
    with transaction.atomic():
        topics.erase(recipient_id, contact_ids)
        directory.finish(recipient_id, contact_ids)
        done = _held(row).update(
            user_id=b"",
            numbers=b"",
            recipient_id=None,
            contact_ids=[],
            notification_ids=[],
            deliveries=row.deliveries,
            leased_until=None,
            finished_at=clock.moment(),
        )
        if not done:
            raise TurnOver


def _clear(row: Erasure, recipient_id: int, turn: _Turn) -> bool:
    """Erase them from deliveries and chunks; return whether nothing will lead there any more.

    Something may, for as long as a transaction goes on that began before nothing did, or workers
    are sending.
    """
    settled = row.cleared_at is not None and not transactions.any_since_before(row.cleared_at)
    person = recipient_id, row.contact_ids
    # Once a pass, and to its end: the next turn would begin it anew.
    chunks = deliveries.chunks_of(*person, partial(_note, row))
    turn.begin()
    while alone := deliveries.waiting_alone(*person, chunks):
        for notification_id in alone:
            _batch(row, partial(deliveries.cancel_alone, notification_id))
            deliveries.leave_chunks(*person, chunks, [notification_id])
            turn.proceed()
    while _batch(row, partial(deliveries.cancel, chunk_ids=chunks)):
        turn.proceed()
    while number := _batch(row, deliveries.erase):
        row.deliveries += number
        turn.proceed()
    if deliveries.is_left(recipient_id, row.contact_ids):
        return False
    if row.cleared_at is None:
        row.cleared_at = transactions.moment()
        _note(row)
        return False
    return settled


def _batch(row: Erasure, what: Callable[[int, Collection[int]], Erased]) -> int:
    """Do a batch, and note with it what it emptied; return the number of what it found."""
    assert row.recipient_id is not None  # until it is done
    with transaction.atomic():
        found = what(row.recipient_id, row.contact_ids)
        if found.number:
            row.cleared_at, row.step, row.position = None, 0, ""
            row.notification_ids += found.emptied
            _note(row)
    return found.number


def _steps(row: Erasure, user_id: str) -> list[Callable[[str], Iterator[str]]]:
    """Return what looks through all that may have their name, from a position on."""
    before = _until(user_id)
    return [
        partial(schedules.erase, user_id, before),
        partial(schedules.erase_from_runs, user_id, before),
        partial(deliveries.erase_from_answers, user_id, before, row.notification_ids),
        partial(deliveries.erase_from_events, user_id, before),
        partial(trail.erase, user_id, before),
    ]


def _until(user_id: str) -> datetime:
    """Return up to when what is found by name or number is this person's.

    What is about somebody who was registered under the same name since stays. Where nobody was, all
    goes that there is: what the transactions wrote that were waited for, however late.
    """
    if successor := find_recipient(user_id):
        return successor.created_at
    # Processes stamp what they write by clocks that may be this much off the database's.
    return transactions.moment() + timedelta(seconds=clock.NOTHING)


def _numbers(row: Erasure) -> dict[bytes, str]:
    if not row.numbers:
        return {}
    found = json.loads(keyring().decrypt(bytes(row.numbers), numbers_context(row.pk)))
    return {bytes.fromhex(index): masked for index, masked in found.items()}


def _subject(user_id: str) -> bytes:
    return keyring().blind_index("erasure", user_id)


def context(key: UUID) -> bytes:
    """Return the context in which the ``user_id`` of an erasure is encrypted."""
    return b"erasure:" + key.bytes


def numbers_context(key: UUID) -> bytes:
    """Return the context in which the phone numbers of an erasure are encrypted."""
    return b"erasure-numbers:" + key.bytes
