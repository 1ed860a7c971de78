"""Read notifications, their progress, deliveries, attempts and receipts.

Numbers of deliveries come from counts that are kept as deliveries move. Only the deliveries of
notifications to one recipient are counted when somebody asks: there are few of each.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum

from apps.core import clock
from apps.delivery.models import (
    Attempt,
    Chunk,
    ChunkState,
    Delivery,
    Notification,
    NotificationKind,
    PendingCount,
    ReceiptEvent,
    StateCount,
)
from apps.preferences.models import Group
from notifier.domain.states import WAITING


def notifications(publisher_id: int, *, digests: bool = False) -> QuerySet[Notification]:
    """Return what the publisher published, each with its topic and the name of its ``group``.

    ``digests``: and the digests that tell people of it.
    """
    kinds = [NotificationKind.PUBLISHED, *([NotificationKind.DIGEST] if digests else [])]
    return with_names(Notification.objects.filter(publisher_id=publisher_id, kind__in=kinds))


def with_names(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    """Return notifications with their topics and the names of their groups, without content."""
    group = Group.objects.filter(pk=OuterRef("group_id")).values("name")
    return rows.select_related("topic").annotate(group=Subquery(group)).defer("content")


def of_others_topics(notification_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these notifications that were published to another publisher's topic.

    The API hides the recipients of their deliveries: only a topic's owner may know its subscribers.
    """
    rows = Notification.objects.filter(pk__in=notification_ids, topic__isnull=False)
    others = rows.exclude(topic__publisher_id=F("publisher_id"))
    return set(others.values_list("pk", flat=True))


def counts(notification_ids: Iterable[UUID]) -> dict[UUID, dict[str, dict[str, int]]]:
    """Return the deliveries of each of these by channel and state, in one query."""
    ids = list(notification_ids)
    totals: Counter[tuple[UUID, str, str]] = Counter()
    for notification_id, channel, state, total in _totals(ids):
        totals[notification_id, channel, state] += total
    found: dict[UUID, dict[str, dict[str, int]]] = {key: {} for key in ids}
    for (notification_id, channel, state), total in sorted(totals.items()):
        if total:
            found[notification_id].setdefault(channel, {})[state] = total
    return found


def state_counts(notification_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Return the number of deliveries by state of each of these notifications, in one query."""
    totals: Counter[tuple[UUID, str]] = Counter()
    for notification_id, _, state, total in _totals(notification_ids):
        totals[notification_id, state] += total
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for (notification_id, state), total in totals.items():
        if total:
            found[notification_id][state] = total
    return dict(found)


def _totals(notification_ids: Iterable[UUID]) -> Iterable[tuple[UUID, str, str, int]]:
    """Return numbers of deliveries by notification, channel and state, in parts to be added up."""
    ids = list(notification_ids)
    # One statement, and so one snapshot: a move that was put aside is either counted or pending.
    uncounted = Notification.objects.filter(pk__in=ids, counts_kept=False).values("pk")
    by = ("notification_id", "channel", "state")
    parts = [
        table.objects.filter(notification_id__in=ids)
        .exclude(notification_id__in=uncounted)
        .values_list(*by)
        .annotate(total=Sum("count"))
        .order_by()
        for table in (StateCount, PendingCount)
    ]
    few = (
        Delivery.objects.filter(notification_id__in=uncounted)
        .values_list(*by)
        .annotate(total=Count("id"))
        .order_by()
    )
    return parts[0].union(parts[1], few, all=True)


class NotificationState(StrEnum):
    """The state of a notification: derived, so that it cannot be stale."""

    SCHEDULED = "scheduled"  # its ``send_at`` is in the future, and a chunk is open
    SENDING = "sending"  # a chunk is open, or a delivery is being sent or waits for an attempt
    DONE = "done"  # nothing more is to be sent; receipts may still arrive
    CANCELLED = "cancelled"  # it was cancelled, whatever the states of its deliveries


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a notification. ``counts``: deliveries by channel and state."""

    state: NotificationState
    counts: dict[str, dict[str, int]]


def progress(notification: Notification) -> Progress:
    """Return the notification's progress, from its open chunks and its counts."""
    return progress_of([notification])[notification.pk]


def progress_of(notifications: Collection[Notification]) -> dict[UUID, Progress]:
    """Return the progress of each of these notifications, in two queries."""
    ids = [row.pk for row in notifications]
    # Chunks first: a chunk that is done has its deliveries counted in the same transaction.
    chunks = Chunk.objects.filter(notification__in=ids).exclude(state=ChunkState.DONE)
    unfinished = set(chunks.values_list("notification_id", flat=True).distinct())
    found = counts(ids)
    now = clock.moment()

    def state(row: Notification) -> NotificationState:
        if row.cancelled_at is not None:
            return NotificationState.CANCELLED
        if row.pk in unfinished:
            later = row.send_at is not None and row.send_at > now
            return NotificationState.SCHEDULED if later else NotificationState.SENDING
        waits = any(by_state.get(name) for by_state in found[row.pk].values() for name in WAITING)
        return NotificationState.SENDING if waits else NotificationState.DONE

    return {row.pk: Progress(state(row), found[row.pk]) for row in notifications}


def deliveries(notification_id: UUID) -> QuerySet[Delivery]:
    """Return the notification's deliveries, to be paged by id."""
    return Delivery.objects.filter(notification_id=notification_id)


def attempts(delivery_ids: Iterable[int]) -> dict[int, list[Attempt]]:
    """Return every attempt of these deliveries by delivery id, oldest first."""
    found: dict[int, list[Attempt]] = defaultdict(list)
    rows = Attempt.objects.filter(delivery_id__in=list(delivery_ids))
    for attempt in rows.order_by("delivery_id", "number"):
        found[attempt.delivery_id].append(attempt)
    return found


def receipts(delivery_ids: Iterable[int]) -> dict[int, list[ReceiptEvent]]:
    """Return the receipts of these deliveries by delivery id, in the order of the events."""
    found: dict[int, list[ReceiptEvent]] = defaultdict(list)
    rows = ReceiptEvent.objects.filter(delivery_id__in=list(delivery_ids))
    for event in rows.order_by("at", "id"):
        found[event.delivery_id].append(event)
    return found
