"""The queue of confirmation requests, and the limits on how often an address is asked.

Anybody who subscribes an address causes a message to it, so these are few. An address gets at most
``CONFIRMATIONS_PER_DAY`` in any 24 hours, over all topics and publishers, and one per subscription
in ``PAUSE``. A publisher causes at most ``CONFIRMATIONS_PER_PUBLISHER`` in 24 hours. Requests
beyond that are postponed, not lost. Each contact is asked once, and again only on request.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count

from apps.core import clock, old_rows
from apps.preferences import vault
from apps.preferences.channels import EMAIL
from apps.topics.models import Confirmation, ConfirmationSent, Subscription, SubscriptionState
from notifier.channels.email import mailbox
from notifier.security.crypto import DecryptionError

DAY = timedelta(days=1)
#: The minimum time between two confirmations of one subscription.
PAUSE = timedelta(minutes=10)
#: The advisory lock of ``take``: any number that nothing else uses.
_TAKER = 0x636F6E66


class CountedAddress(NamedTuple):
    """An address as limits count it: an email address without its ``+tag``."""

    channel: str
    blind_index: bytes


class Unasked(NamedTuple):
    """A contact of a subscription that was not asked yet, and its address."""

    contact_id: int
    address: CountedAddress


class ConfirmationRequest(NamedTuple):
    """A subscription to be confirmed, and the contacts to ask."""

    subscription: Subscription
    contact_ids: list[int]


class NoAddress(Exception):
    """The subscriber has no address on the channel to ask."""


class TooSoon(Exception):
    """``args[0]`` is when the next confirmation may be sent."""


def take(most: int) -> list[ConfirmationRequest]:
    """Take up to ``most`` due subscriptions off the queue.

    Send the requests in the same transaction: they count as sent. Only one transaction at a time
    takes any, so that the counts of an address are right; others get nothing.
    """
    now = clock.moment()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_TAKER])
        if not cursor.fetchone()[0]:
            return []
    due = list(
        Subscription.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("topic__publisher", "recipient")
        .filter(confirm_at__lte=now)
        .order_by("confirm_at")[:most]
    )
    if not due:
        return []
    reached = _reached(due)
    sent = _sent_to({one.address for found in reached.values() for one in found}, now)
    last = _last_sent(row.pk for row in due)
    budgets = _budgets({row.topic.publisher_id for row in due}, now)
    requests: list[ConfirmationRequest] = []
    log: list[ConfirmationSent] = []
    for row in due:
        if not _asks(row):
            row.confirm_at = None
            continue
        publisher_id = row.topic.publisher_id
        contacts, row.confirm_at = _allowed(row.pk, reached[row.pk], sent, last, now)
        if len(contacts) > budgets[publisher_id]:
            row.confirm_at = now + PAUSE
            continue
        budgets[publisher_id] -= len(contacts)
        for contact in contacts:
            sent[contact.address].insert(0, now)
            log.append(
                ConfirmationSent(
                    publisher_id=publisher_id,
                    subscription_id=row.pk,
                    channel=contact.address.channel,
                    address_index=contact.address.blind_index,
                    sent_at=now,
                )
            )
        if contacts:
            requests.append(ConfirmationRequest(row, [one.contact_id for one in contacts]))
    Subscription.objects.bulk_update(due, ["confirm_at"])
    ConfirmationSent.objects.bulk_create(log)
    Confirmation.objects.bulk_create(
        Confirmation(subscription=request.subscription, contact_id=contact_id)
        for request in requests
        for contact_id in request.contact_ids
    )
    return requests


def is_open(row: Subscription) -> bool:
    """Return whether a contact of the subscription has yet to confirm, or to be asked to."""
    if row.state == SubscriptionState.PENDING:
        return True
    asked = row.confirm_at is not None or row.confirmations.filter(confirmed_at=None).exists()
    return _asks(row) and asked


def _asks(row: Subscription) -> bool:
    if row.topic.deleted_at is not None:
        return False
    if row.state == SubscriptionState.PENDING:
        return True
    active = row.state == SubscriptionState.ACTIVE
    return active and row.asks and row.topic.requires_confirmation


@transaction.atomic
def ask_new_contacts(recipient_ids: Collection[int]) -> None:
    """Queue these recipients' subscriptions that need confirmation and have a contact not asked."""
    with connection.cursor() as cursor:
        cursor.execute(_ASK_NEW, [list(recipient_ids)])


# This and ``_REACHED`` join contacts: an import asks it of thousands of people, of whom few have a
# contact that was not asked.
_ASK_NEW = """
    UPDATE topics_subscription SET confirm_at = now() WHERE id IN (
        SELECT s.id FROM topics_subscription s
         WHERE s.recipient_id = ANY(%s) AND s.asks AND s.state <> 'unsubscribed'
           AND s.confirm_at IS NULL
           AND EXISTS (SELECT FROM preferences_contact k
                        WHERE k.recipient_id = s.recipient_id AND k.channel = s.channel
                          AND k.state = 'active'
                          AND NOT EXISTS (SELECT FROM topics_confirmation c
                                           WHERE c.subscription_id = s.id
                                             AND c.contact_id = k.id))
         ORDER BY s.id FOR UPDATE OF s)"""


@transaction.atomic
def ask_again(subscription: Subscription) -> None:
    """Queue a request to the subscription's contacts that have not confirmed.

    Raises ``NoAddress`` and ``TooSoon``.
    """
    now = clock.moment()
    row = Subscription.objects.select_for_update().get(pk=subscription.pk)
    row.confirmations.filter(confirmed_at=None).delete()
    found = _reached([row])[row.pk]
    if not found:
        raise NoAddress
    sent = _sent_to({one.address for one in found}, now)
    contacts, postponed = _allowed(row.pk, found, sent, _last_sent([row.pk]), now)
    if not contacts:
        raise TooSoon(postponed)
    Subscription.objects.filter(pk=row.pk).update(confirm_at=now)


def _allowed(
    subscription_id: int,
    found: list[Unasked],
    sent: dict[CountedAddress, list[datetime]],
    last: dict[tuple[int, CountedAddress], datetime],
    now: datetime,
) -> tuple[list[Unasked], datetime | None]:
    """Return the contacts that may be asked now, and when the next of the others may, if any."""
    free: dict[CountedAddress, int] = {}
    later = []
    for contact_id, address in found:
        until = _free_at(sent[address], now)
        if (before := last.get((subscription_id, address))) is not None:
            until = max(until, before + PAUSE)
        if until > now:
            later.append(until)
        elif address in free:  # another spelling of the same address
            later.append(now + PAUSE)
        else:
            free[address] = contact_id
    contacts = [Unasked(contact_id, address) for address, contact_id in free.items()]
    return contacts, min(later, default=None)


def _free_at(sent: list[datetime], now: datetime) -> datetime:
    """Return when an address may be asked next, given when it was asked, newest first."""
    oldest_that_counts = next(islice(sent, settings.CONFIRMATIONS_PER_DAY - 1, None), None)
    return now if oldest_that_counts is None else oldest_that_counts + DAY


def _reached(rows: Collection[Subscription]) -> dict[int, list[Unasked]]:
    """Return each subscription's active contacts that were not asked yet."""
    found: dict[int, list[Unasked]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_REACHED, {"ids": [row.pk for row in rows]})
        for subscription_id, channel, contact_id, index, sealed in cursor.fetchall():
            address = CountedAddress(channel, _counted_as(channel, bytes(index), sealed))
            found[subscription_id].append(Unasked(contact_id, address))
    return found


def _counted_as(channel: str, index: bytes, sealed: bytes) -> bytes:
    """Return the blind index under which an address is counted.

    That of an email address is without its ``+tag``. It is the address's own index where the
    address cannot be decrypted.
    """
    if channel != EMAIL:
        return index
    try:
        address = vault.open(bytes(sealed), index)
    except DecryptionError:
        return index
    return vault.index_of(channel, mailbox(address))


_REACHED = """
    SELECT s.id, s.channel, k.id, k.address_index, k.address
      FROM topics_subscription s JOIN preferences_contact k ON k.id = s.contact_id
     WHERE s.id = ANY(%(ids)s) AND k.state = 'active'
       AND NOT EXISTS (SELECT FROM topics_confirmation c
                        WHERE c.subscription_id = s.id AND c.contact_id = k.id)
    UNION ALL
    SELECT s.id, s.channel, k.id, k.address_index, k.address
      FROM topics_subscription s JOIN preferences_contact k
        ON k.recipient_id = s.recipient_id AND k.channel = s.channel AND k.state = 'active'
     WHERE s.id = ANY(%(ids)s)
       AND NOT EXISTS (SELECT FROM topics_confirmation c
                        WHERE c.subscription_id = s.id AND c.contact_id = k.id)
     ORDER BY 3"""


def _budgets(publisher_ids: Collection[int], now: datetime) -> dict[int, int]:
    """Return how many more may be sent now for each of these publishers."""
    most = settings.CONFIRMATIONS_PER_PUBLISHER
    rows = ConfirmationSent.objects.filter(publisher_id__in=publisher_ids, sent_at__gt=now - DAY)
    sent = dict(rows.values_list("publisher_id").annotate(Count("pk")).order_by())
    return {publisher_id: most - sent.get(publisher_id, 0) for publisher_id in publisher_ids}


def _sent_to(
    addresses: Collection[CountedAddress], now: datetime
) -> dict[CountedAddress, list[datetime]]:
    """Return when these addresses were asked in the last 24 hours, newest first."""
    found: dict[CountedAddress, list[datetime]] = defaultdict(list)
    if addresses:
        columns = [list(column) for column in zip(*addresses, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_SENT_TO, [*columns, now - DAY])
            for channel, index, at in cursor.fetchall():
                found[CountedAddress(channel, bytes(index))].append(at)
    return found


_SENT_TO = """
    SELECT c.channel, c.address_index, c.sent_at
      FROM unnest(%s::text[], %s::bytea[]) AS w (channel, address_index)
      JOIN topics_confirmationsent c USING (channel, address_index)
     WHERE c.sent_at > %s
     ORDER BY c.sent_at DESC"""


def _last_sent(subscription_ids: Iterable[int]) -> dict[tuple[int, CountedAddress], datetime]:
    """Return when each address of these subscriptions was last asked."""
    rows = ConfirmationSent.objects.filter(subscription_id__in=list(subscription_ids))
    return {
        (subscription_id, CountedAddress(channel, bytes(index))): at
        for subscription_id, channel, index, at in rows.order_by("sent_at").values_list(
            "subscription_id", "channel", "address_index", "sent_at"
        )
    }


def purge() -> int:
    """Delete the log of confirmations that no limit counts any more; return how many rows."""
    return old_rows.delete(_PURGE, clock.moment() - DAY)


# Ids grow with time, so the oldest rows are found without an index on it.
_PURGE = """
    WITH oldest AS (SELECT id, sent_at FROM topics_confirmationsent ORDER BY id LIMIT %(most)s)
    DELETE FROM topics_confirmationsent c USING oldest o
    WHERE c.id = o.id AND o.sent_at < %(before)s"""
