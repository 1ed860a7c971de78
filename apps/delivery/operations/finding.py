"""Find notifications and deliveries by what is known of them.

Each search reads rows through one index, newest first, and returns them with a condition for all
that the index does not know. Its caller bounds how many rows are examined for that
(``apps.api.pagination``), so that a page costs the same however many rows there are:

- a reference: ``notification_of_reference``
- a topic: ``notification_of_topic``
- neither: ``notification_newest``
- a person: ``delivery_of_recipient``, since a notification does not name its recipients
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.db.models.lookups import Exact

from apps.core import clock
from apps.delivery import selectors
from apps.delivery.models import Delivery, Notification, NotificationKind
from apps.delivery.selectors import NotificationState
from apps.topics.selectors import ids_of_name
from notifier.domain.categories import fold

R = TypeVar("R")

#: The time in a notification's id is that of the process which accepted it, and ``created_at`` the
#: database's: their clocks are at most this far apart.
CLOCKS_APART = timedelta(minutes=1)
#: True for the oldest of the deliveries examined of each notification.
_OLDEST = Q(Exact(Window(RowNumber(), partition_by=[F("notification_id")], order_by="id"), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Criteria of notifications; all that are set must hold.

    ``topic`` is a name and means every topic that ever had it. ``since`` is the first moment of
    acceptance, ``until`` the first one after the last.
    """

    reference: str | None = None
    topic: str | None = None
    category: str | None = None
    state: NotificationState | None = None
    since: datetime | None = None
    until: datetime | None = None


def notifications(publisher_id: int, wanted: Wanted) -> tuple[QuerySet[Notification], Q]:
    """Return a publisher's notifications by one index, and the condition of the rest.

    ``in_state`` selects those in the state that is wanted.
    """
    rest = _rest(wanted)
    topics = [] if wanted.topic is None else ids_of_name(wanted.topic)
    if wanted.reference is not None:
        rows = Notification.objects.filter(publisher=publisher_id, reference=wanted.reference)
    elif len(topics) == 1:
        rows = Notification.objects.filter(topic=topics[0])
        rest &= Q(publisher=publisher_id, kind=NotificationKind.PUBLISHED)
    else:
        rows = selectors.notifications(publisher_id)
    if wanted.topic is not None:
        rest &= Q(topic__in=topics)
    if wanted.since is not None:
        rows = rows.filter(pk__gte=_first_id(wanted.since - CLOCKS_APART))
    if wanted.until is not None:
        rows = rows.filter(pk__lt=_first_id(wanted.until + CLOCKS_APART))
    return selectors.with_names(rows), rest


def notifications_to(
    recipient_id: int, publisher_id: int, wanted: Wanted
) -> tuple[QuerySet[Delivery], Q]:
    """Return deliveries to a person, and the condition of one of each notification wanted.

    They are in the order in which the person's first delivery of each was made. What has no
    deliveries yet is not among them.
    """
    rest = _rest(wanted, "notification__")
    if wanted.reference is not None:
        rest &= Q(notification__reference=wanted.reference)
    if wanted.topic is not None:
        rest &= Q(notification__topic__in=ids_of_name(wanted.topic))
    own = _own(publisher_id) & Q(notification__kind=NotificationKind.PUBLISHED)
    rows = _to(recipient_id).select_related("notification").defer("notification__content")
    return rows, own & rest & _OLDEST


def notifications_of(deliveries: Iterable[Delivery]) -> list[Notification]:
    """Return the notifications of deliveries in their order, each as ``notifications`` does."""
    ids = [delivery.notification_id for delivery in deliveries]
    rows = selectors.with_names(Notification.objects.all()).in_bulk(ids)
    return [rows[key] for key in ids]


def deliveries_to(recipient_id: int, publisher_id: int) -> tuple[QuerySet[Delivery], Q]:
    """Return deliveries to a person, and the condition of those that a publisher may see.

    These are of what it published, and of digests that tell of it.
    """
    kinds = [NotificationKind.PUBLISHED, NotificationKind.DIGEST]
    rows = _to(recipient_id).select_related("notification__topic")
    own = _own(publisher_id) & Q(notification__kind__in=kinds)
    return rows.defer("notification__content"), own


def in_state(
    rows: Sequence[R], state: NotificationState, notification: Callable[[R], Notification]
) -> list[R]:
    """Return the rows whose notification is in ``state``."""
    progress = selectors.progress_of([notification(row) for row in rows])
    return [row for row in rows if progress[notification(row).pk].state == state]


def _to(recipient_id: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(recipient_id=recipient_id)


def _own(publisher_id: int) -> Q:
    """Return the condition of deliveries whose recipients the publisher may know."""
    of_topic = Q(notification__topic=None) | Q(notification__topic__publisher=publisher_id)
    return Q(notification__publisher=publisher_id) & of_topic


def _rest(wanted: Wanted, prefix: str = "") -> Q:
    """Return the condition of what no index serves. ``prefix``: the path to a notification."""
    found: dict[str, Any] = {}
    if wanted.category is not None:
        found["category"] = fold(wanted.category)
    if wanted.since is not None:
        found["created_at__gte"] = wanted.since
    if wanted.until is not None:
        found["created_at__lt"] = wanted.until
    if wanted.state is not None:
        found["cancelled_at__isnull"] = wanted.state != NotificationState.CANCELLED
    if wanted.state == NotificationState.SCHEDULED:
        found["send_at__gt"] = clock.moment()
    return Q(**{f"{prefix}{name}": value for name, value in found.items()})


def _first_id(moment: datetime) -> UUID:
    """Return the least id of the notifications accepted from a moment on: ids are UUIDv7."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)
