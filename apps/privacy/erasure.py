"""Erase a person: from the directory at once, from everything else in batches.

``begin`` takes the person out of the directory: from its commit on nobody finds or reaches them.
``go_on`` has each app erase its own rows, and may stop anywhere: what was done stays done, and the
next call finds what is left. One process at a time works on an erasure, under a lease that it
renews with each batch.

The order matters. Deliveries come first, since what they move is told to status webhooks; what is
only found by name comes once they have all ended, and the rows that they refer to go last.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from rest_framework.request import Request
from uuid_utils.compat import uuid7

from apps.core import clock
from apps.delivery.maintenance import erasure as deliveries
from apps.inbox import retention as inbox
from apps.pages import limits
from apps.preferences import erasure as directory
from apps.preferences.vault import keyring
from apps.privacy.models import Erasure
from apps.publishers import audit
from apps.publishers import personal as trail
from apps.schedules import personal as schedules
from apps.topics import erasure as topics
from notifier.providers.base import log_bug

#: How long a process may be silent before another one goes on.
LEASE = timedelta(seconds=60)


class LeaseLost(Exception):
    """Another process works on the erasure."""


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
    deliveries.forget_replies(found.masked_numbers)
    row = Erasure(
        id=uuid7(),
        subject=subject,
        recipient_id=found.recipient_id,
        contact_ids=found.contact_ids,
    )
    row.user_id = keyring().encrypt(user_id.encode(), context(row.pk))
    row.save(force_insert=True)
    audit.record(
        request, "erase", "recipient", directory.mark(user_id), after={"erasure": str(row.pk)}
    )
    return row


def tick() -> None:
    """Go on with the erasures that are not done, the oldest first; a fault stops no other.

    While another process is at one of them, nothing is done: erasures read the same rows, and many
    at once would leave no thread for other periodic work.
    """
    rows = Erasure.objects.filter(finished_at=None).order_by("requested_at")
    if rows.filter(leased_until__gt=clock.moment()).exists():
        return
    for key in rows.values_list("pk", flat=True):
        try:
            go_on(key)
        except Exception as error:
            log_bug(f"the erasure {key} is tried again", error)


def purge() -> int:
    """Delete erasures that were done more than ``AUDIT_DAYS`` ago; return how many."""
    before = clock.moment() - timedelta(days=settings.AUDIT_DAYS)
    deleted, _ = Erasure.objects.filter(finished_at__lt=before).delete()
    return deleted


def go_on(key: UUID) -> bool:
    """Erase what is left; return whether all of it is done.

    It is not where another process is at it, or where workers are still sending to the person.
    """
    row = _take(key)
    if row is None:
        return Erasure.objects.filter(pk=key, finished_at__isnull=False).exists()
    try:
        done = _erase(row)
    except LeaseLost:
        return False
    if not done:
        Erasure.objects.filter(pk=key).update(leased_until=None)
    return done


def _erase(row: Erasure) -> bool:
    recipient_id, contact_ids = row.recipient_id, row.contact_ids
    assert recipient_id is not None  # until it is done
    user_id = keyring().decrypt(bytes(row.user_id), context(row.pk)).decode()
    proceed = _renewal(row)
    while deliveries.cancel(recipient_id, contact_ids):
        proceed()
    while number := deliveries.erase(recipient_id, contact_ids):
        Erasure.objects.filter(pk=row.pk).update(deliveries=F("deliveries") + number)
        proceed()
    if deliveries.is_left(recipient_id, contact_ids):
        return False
    while inbox.erase(recipient_id):
        proceed()
    schedules.erase(user_id, row.requested_at, proceed)
    deliveries.erase_from_answers(user_id, row.requested_at, proceed)
    deliveries.erase_from_events(user_id, row.requested_at, proceed)
    trail.erase(user_id, row.requested_at, proceed)
    deliveries.forget_counts(recipient_id)
    limits.forget(user_id)
    # What was being accepted or claimed at the beginning may have been committed since.
    if deliveries.cancel(recipient_id, contact_ids) or deliveries.is_left(
        recipient_id, contact_ids
    ):
        return False
    with transaction.atomic():
        topics.erase(recipient_id, contact_ids)
        directory.finish(recipient_id, contact_ids)
        Erasure.objects.filter(pk=row.pk).update(
            user_id=b"",
            recipient_id=None,
            contact_ids=[],
            leased_until=None,
            finished_at=clock.moment(),
        )
    return True


@transaction.atomic
def _take(key: UUID) -> Erasure | None:
    """Return an unfinished erasure under a lease of this process; ``None`` if another has it."""
    now = clock.moment()
    rows = Erasure.objects.select_for_update(skip_locked=True)
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    row = rows.filter(free, pk=key, finished_at=None).first()
    if row is not None:
        row.leased_until = now + LEASE
        row.save(update_fields=["leased_until"])
    return row


def _renewal(row: Erasure) -> Callable[[], None]:
    """Return what renews the lease, and raises ``LeaseLost`` where another process has it."""

    def proceed() -> None:
        until = clock.moment() + LEASE
        held = Erasure.objects.filter(pk=row.pk, leased_until=row.leased_until)
        if not held.update(leased_until=until):
            raise LeaseLost
        row.leased_until = until

    return proceed


def _subject(user_id: str) -> bytes:
    return keyring().blind_index("erasure", user_id)


def context(key: UUID) -> bytes:
    """Return the context in which the ``user_id`` of an erasure is encrypted."""
    return b"erasure:" + key.bytes
