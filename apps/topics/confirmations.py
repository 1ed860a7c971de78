"""Which subscriptions are to be asked to confirm, and how often an address may be asked.

Whoever subscribes an address decides that something is sent there: so it is little. An address
gets ``CONFIRMATIONS_PER_DAY`` in any 24 hours, over all topics and publishers, and a subscription
one in ``PAUSE``. What is over that is postponed, not lost.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from apps.topics.models import ConfirmationSent, Subscription, SubscriptionState

DAY = timedelta(days=1)
#: Between two confirmations of one subscription.
PAUSE = timedelta(minutes=10)
#: The advisory lock under which confirmations are taken: any number that nobody else uses.
_TAKER = 0x636F6E66

#: An address that can be compared: its channel and blind index.
Address = tuple[str, bytes]


class Question(NamedTuple):
    """A subscription that is to be asked to confirm, at these contacts on its channel."""

    subscription: Subscription
    contact_ids: list[int]


class Nowhere(Exception):
    """The subscriber has no address on the channel that could be asked."""


class TooSoon(Exception):
    """``args[0]`` is when the next confirmation may be sent."""


def take(most: int) -> list[Question]:
    """Up to ``most`` subscriptions whose confirmation is due, taken off the queue.

    Send what this returns in the same transaction: it counts as sent. One taker at a time, so
    that an address is never counted twice at once; any other gets nothing.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_TAKER])
        if not cursor.fetchone()[0]:
            return []
    due = list(
        Subscription.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("topic")
        .filter(confirm_at__lte=now)
        .order_by("confirm_at")[:most]
    )
    if not due:
        return []
    reached = _reached(due)
    sent = _sent_to({address for found in reached.values() for _, address in found}, now)
    last = _last_sent(row.pk for row in due)
    questions: list[Question] = []
    log: list[ConfirmationSent] = []
    for row in due:
        contacts, row.confirm_at = _allowed(reached[row.pk], sent, last.get(row.pk), now)
        if row.topic.deleted_at is not None or row.state != SubscriptionState.PENDING:
            row.confirm_at = None
            continue
        for _, address in contacts:
            sent[address].insert(0, now)
            log.append(
                ConfirmationSent(
                    subscription_id=row.pk,
                    channel=address[0],
                    address_index=address[1],
                    sent_at=now,
                )
            )
        if contacts:
            questions.append(Question(row, [contact_id for contact_id, _ in contacts]))
    Subscription.objects.bulk_update(due, ["confirm_at"])
    ConfirmationSent.objects.bulk_create(log)
    return questions


@transaction.atomic
def ask_again(subscription: Subscription) -> None:
    """Have a pending subscription asked once more. Raises ``Nowhere`` and ``TooSoon``."""
    now = timezone.now()
    row = Subscription.objects.select_for_update().get(pk=subscription.pk)
    found = _reached([row])[row.pk]
    if not found:
        raise Nowhere
    sent = _sent_to({address for _, address in found}, now)
    contacts, postponed = _allowed(found, sent, _last_sent([row.pk]).get(row.pk), now)
    if not contacts:
        raise TooSoon(postponed)
    Subscription.objects.filter(pk=row.pk).update(confirm_at=now)


Contacts = list[tuple[int, Address]]


def _allowed(
    found: Contacts, sent: dict[Address, list[datetime]], last: datetime | None, now: datetime
) -> tuple[Contacts, datetime | None]:
    """The contacts that may be asked now; where none may though there are some, when one may."""
    if last is not None and last + PAUSE > now:
        return [], last + PAUSE
    free, later = [], []
    for contact_id, address in found:
        until = _free_at(sent[address], now)
        if until <= now:
            free.append((contact_id, address))
        else:
            later.append(until)
    return free, min(later) if later and not free else None


def _free_at(sent: list[datetime], now: datetime) -> datetime:
    """When an address may be asked that was asked at these times, newest first."""
    oldest_that_counts = next(islice(sent, settings.CONFIRMATIONS_PER_DAY - 1, None), None)
    return now if oldest_that_counts is None else oldest_that_counts + DAY


def _reached(rows: Collection[Subscription]) -> dict[int, Contacts]:
    """The active contacts at which each subscription reaches somebody."""
    found: dict[int, Contacts] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_REACHED, {"ids": [row.pk for row in rows]})
        for subscription_id, channel, contact_id, index in cursor.fetchall():
            found[subscription_id].append((contact_id, (channel, bytes(index))))
    return found


_REACHED = """
    SELECT s.id, s.channel, k.id, k.address_index
      FROM topics_subscription s JOIN preferences_contact k ON k.id = s.contact_id
     WHERE s.id = ANY(%(ids)s) AND k.state = 'active'
    UNION ALL
    SELECT s.id, s.channel, k.id, k.address_index
      FROM topics_subscription s JOIN preferences_contact k
        ON k.recipient_id = s.recipient_id AND k.channel = s.channel AND k.state = 'active'
     WHERE s.id = ANY(%(ids)s)
     ORDER BY 3"""


def _sent_to(addresses: Collection[Address], now: datetime) -> dict[Address, list[datetime]]:
    """When these addresses were asked in the last 24 hours, newest first."""
    found: dict[Address, list[datetime]] = defaultdict(list)
    if addresses:
        columns = [list(column) for column in zip(*addresses, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_SENT_TO, [*columns, now - DAY])
            for channel, index, at in cursor.fetchall():
                found[channel, bytes(index)].append(at)
    return found


_SENT_TO = """
    SELECT c.channel, c.address_index, c.sent_at
      FROM unnest(%s::text[], %s::bytea[]) AS w (channel, address_index)
      JOIN topics_confirmationsent c USING (channel, address_index)
     WHERE c.sent_at > %s
     ORDER BY c.sent_at DESC"""


def _last_sent(subscription_ids: Iterable[int]) -> dict[int, datetime]:
    rows = ConfirmationSent.objects.filter(subscription_id__in=list(subscription_ids))
    return dict(rows.values_list("subscription_id").annotate(last=Max("sent_at")).order_by())
