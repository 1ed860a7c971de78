"""Find and count what is held."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Case, Count, F, Max, Min, QuerySet, Sum, Value, When
from django.db.models.fields import CharField
from django.db.models.functions import Coalesce, NullIf

from apps.delivery.models import Chunk, ChunkKind, ChunkState, HeldDelivery
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
#: The channel of a chunk. An audience that is still to be cut has none of its own: it has its
#: notification's where that has one alone, with no fallback; else it is empty.
CHANNEL = Case(
    When(
        kind=ChunkKind.WHOLE,
        notification__channels__len=1,
        notification__fallback_channel="",
        notification__steps__isnull=True,
        then=F("notification__channels__0"),
    ),
    default=F("channel"),
    output_field=CharField(),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Criteria of what is held; all that are set must hold.

    ``accepted_before``: of the notification. ``publisher``: a name. An audience that is still to be
    cut is on the channel ``""``, and on another only where its notification has no other, for a
    fallback neither.
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
    """Held deliveries of one publisher, channel and category.

    ``number``: deliveries and people, about: a whole audience counts as one, and so does what its
    publisher cancelled meanwhile. ``channel``: empty where it is of a whole audience.
    ``oldest``, ``newest``: when its notifications were accepted.
    """

    publisher: str
    channel: str
    category: str
    number: int
    oldest: datetime
    newest: datetime


def deliveries(wanted: Filter) -> QuerySet[HeldDelivery]:
    """Return the records of the held deliveries that match.

    Some may be of deliveries that were cancelled meanwhile: see ``ending.forget_ended``.
    """
    rows: QuerySet[HeldDelivery] = _of_publisher(HeldDelivery.objects.all(), wanted)
    if wanted.accepted_before is not None:
        rows = rows.filter(accepted_at__lt=wanted.accepted_before)
    if wanted.channel is not None:
        rows = rows.filter(channel=wanted.channel)
    if wanted.category is not None:
        rows = rows.filter(category=fold(wanted.category))
    return rows


def chunks(wanted: Filter) -> QuerySet[Chunk]:
    """Return the held chunks that match."""
    held = Chunk.objects.filter(state=ChunkState.QUEUED, reason=Reason.HELD)
    rows: QuerySet[Chunk] = _of_publisher(held, wanted)
    if wanted.accepted_before is not None:
        rows = rows.filter(notification__created_at__lt=wanted.accepted_before)
    if wanted.channel is not None:
        rows = rows.annotate(only_channel=CHANNEL).filter(only_channel=wanted.channel)
    if wanted.category is not None:
        rows = rows.annotate(kept_category=_CATEGORY).filter(kept_category=fold(wanted.category))
    return rows


def groups(wanted: Filter) -> list[HeldGroup]:
    """Return what is held that matches, the oldest first."""
    names = dict(Publisher.objects.values_list("pk", "name"))
    found: dict[tuple[str, str, str], list[tuple[int, datetime, datetime]]] = defaultdict(list)
    for row in (*_counted(deliveries(wanted)), *_counted_chunks(chunks(wanted))):
        publisher = names.get(row["publisher_id"], "")
        found[publisher, row["group_channel"], row["group_category"]].append(
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


def _of_publisher(rows: Any, wanted: Filter) -> Any:
    if wanted.publisher is None:
        return rows
    return rows.filter(
        publisher_id__in=list(
            Publisher.objects.filter(name=wanted.publisher).values_list("pk", flat=True)
        )
    )


def _counted(rows: QuerySet[HeldDelivery]) -> Iterator[Mapping[str, Any]]:
    yield from (
        rows.values("publisher_id", group_channel=F("channel"), group_category=F("category"))
        .annotate(number=Count("pk"), oldest=Min("accepted_at"), newest=Max("accepted_at"))
        .order_by()
    )


def _counted_chunks(rows: QuerySet[Chunk]) -> Iterator[Mapping[str, Any]]:
    people = Coalesce(
        NullIf("size", Value(0)), F("recipient_ids__len"), F("contact_ids__len"), Value(1)
    )
    yield from (
        rows.annotate(people=people)
        .values("publisher_id", group_channel=CHANNEL, group_category=_CATEGORY)
        .annotate(
            number=Sum("people"),
            oldest=Min("notification__created_at"),
            newest=Max("notification__created_at"),
        )
        .order_by()
    )
