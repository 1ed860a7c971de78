"""Find and count what is held."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, F, Max, Min, Model, Q, QuerySet, Sum, Value
from django.db.models.fields import CharField
from django.db.models.functions import Coalesce, NullIf

from apps.delivery.models import Chunk, ChunkKind, ChunkState, Delivery, HeldDelivery
from apps.publishers.models import Publisher
from notifier.domain.categories import fold
from notifier.domain.outcomes import Reason

#: The category of a notification: its own, or its topic's.
_CATEGORY = Coalesce(
    NullIf("notification__category", Value("")),
    "notification__topic__category",
    Value(""),
    output_field=CharField(),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Criteria of what is held; all that are set must hold.

    ``accepted_before``: of the notification. ``publisher``: a name. An audience that is still to be
    cut is on several channels, and on one only where its notification has no other.
    """

    accepted_before: datetime | None = None
    channel: str | None = None
    category: str | None = None
    publisher: str | None = None

    def shown(self) -> dict[str, str]:
        """Return the criteria that are set, as the audit trail shows them."""
        before = self.accepted_before
        values = {
            "accepted_before": before.isoformat() if before else None,
            "channel": self.channel,
            "category": self.category,
            "publisher": self.publisher,
        }
        return {name: value for name, value in values.items() if value is not None}


class HeldGroup(NamedTuple):
    """What is held of one publisher, channel and category.

    ``number``: deliveries and people, about; a whole audience counts as one. ``channel``: empty
    where it is of such an audience. ``oldest``, ``newest``: when its notifications were accepted.
    """

    publisher: str
    channel: str
    category: str
    number: int
    oldest: datetime
    newest: datetime


def deliveries(wanted: Filter) -> QuerySet[Delivery]:
    """Return the held deliveries that match."""
    rows = Delivery.objects.filter(
        reason=Reason.HELD,
        next_attempt_at__isnull=False,
        pk__in=HeldDelivery.objects.values("delivery_id"),
    )
    if wanted.channel is not None:
        rows = rows.filter(channel=wanted.channel)
    return _matching(rows, wanted)


def chunks(wanted: Filter) -> QuerySet[Chunk]:
    """Return the held chunks that match."""
    rows = Chunk.objects.filter(state=ChunkState.QUEUED, reason=Reason.HELD)
    if wanted.channel is not None:
        alone = Q(kind=ChunkKind.WHOLE, notification__channels=[wanted.channel])
        rows = rows.filter(Q(channel=wanted.channel) | alone)
    return _matching(rows, wanted)


def groups(wanted: Filter) -> list[HeldGroup]:
    """Return what is held that matches, the oldest first."""
    names = dict(Publisher.objects.values_list("pk", "name"))
    found: dict[tuple[str, str, str], list[tuple[int, datetime, datetime]]] = defaultdict(list)
    for row in (*_counted(deliveries(wanted)), *_counted_chunks(chunks(wanted))):
        publisher = names.get(row["publisher_id"], "")
        found[publisher, row["channel"], row["kept_category"]].append(
            (row["number"], row["oldest"], row["newest"])
        )
    listed = [
        HeldGroup(
            *name,
            sum(number for number, _, _ in parts),
            min(oldest for _, oldest, _ in parts),
            max(newest for _, _, newest in parts),
        )
        for name, parts in found.items()
    ]
    return sorted(listed, key=lambda group: group.oldest)


def _matching(rows: QuerySet[Any], wanted: Filter) -> QuerySet[Any]:
    if wanted.accepted_before is not None:
        rows = rows.filter(notification__created_at__lt=wanted.accepted_before)
    if wanted.publisher is not None:
        rows = rows.filter(notification__publisher__name=wanted.publisher)
    if wanted.category is not None:
        rows = rows.annotate(kept_category=_CATEGORY).filter(kept_category=fold(wanted.category))
    return rows


def _counted(rows: QuerySet[Model]) -> Iterator[Mapping[str, Any]]:
    yield from (
        rows.annotate(kept_category=_CATEGORY)
        .values("publisher_id", "channel", "kept_category")
        .annotate(
            number=Count("pk"),
            oldest=Min("notification__created_at"),
            newest=Max("notification__created_at"),
        )
        .order_by()
    )


def _counted_chunks(rows: QuerySet[Chunk]) -> Iterator[Mapping[str, Any]]:
    sized = rows.annotate(
        kept_category=_CATEGORY,
        people=Coalesce(
            NullIf("size", Value(0)), F("recipient_ids__len"), F("contact_ids__len"), Value(1)
        ),
    )
    yield from (
        sized.values("publisher_id", "channel", "kept_category")
        .annotate(
            number=Sum("people"),
            oldest=Min("notification__created_at"),
            newest=Max("notification__created_at"),
        )
        .order_by()
    )
