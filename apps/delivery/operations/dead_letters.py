"""Find dead letters and redrive them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.api import pagination
from apps.core.delivery_ids import number_of, public_id
from apps.core.row_windows import row_window
from apps.delivery import state
from apps.delivery.models import DeadLetter, Delivery, NotificationKind
from apps.topics.selectors import ids_of_name
from notifier.domain.states import DeliveryState

#: Dead letters redriven by one call, in one transaction of about a second.
AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Match:
    """Criteria of dead letters; all that are set must hold.

    ``topic`` is a name and means every topic that ever had it; ``topic_id`` means one topic.
    """

    topic: str | None = None
    topic_id: int | None = None
    channel: str | None = None
    provider: str | None = None
    reason: str | None = None
    died_after: datetime | None = None
    died_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Redriven:
    """The result of a redrive.

    ``unknown``: ids that are not dead letters. ``gone``: ids, or with criteria as many, whose
    content is gone, so that they cannot be sent again. ``beyond``: the key to go on after where
    others may match, else ``None``. ``owners``: number of redriven dead letters by publisher.
    ``skipped``: keys of those that another transaction had locked and that still are dead letters;
    ``busy``: their ids, as they were named or, with criteria, those of their deliveries.
    """

    redriven: int
    unknown: Sequence[str] = ()
    gone: Sequence[str] = ()
    beyond: int | None = None
    owners: Mapping[int, int] = field(default_factory=dict)
    skipped: Collection[int] = ()
    busy: Sequence[str] = ()

    @property
    def more(self) -> bool:
        return self.beyond is not None


def of(publisher_id: int | None) -> QuerySet[DeadLetter]:
    """Return a publisher's dead letters.

    Without a publisher: everybody's, including those of confirmations and status webhooks, which
    only operators see.
    """
    if publisher_id is None:
        return DeadLetter.objects.all()
    return DeadLetter.objects.filter(publisher=publisher_id, kind=NotificationKind.PUBLISHED)


def matching(match: Match) -> Q:
    """Build the condition of a match. No index serves it."""
    wanted = Q()
    if match.topic is not None:
        wanted &= Q(topic__in=ids_of_name(match.topic))
    if match.died_after is not None:
        wanted &= Q(died_at__gte=match.died_after)
    if match.died_before is not None:
        wanted &= Q(died_at__lt=match.died_before)
    for name in ("topic_id", "channel", "provider", "reason"):
        if (value := getattr(match, name)) is not None:
            wanted &= Q(**{name: value})
    return wanted


@transaction.atomic
def redrive(publisher_id: int | None, what: Sequence[str] | Match, beyond: int = 0) -> Redriven:
    """Redrive dead letters: send them again, now, from the start of their retry policy.

    ``publisher_id``: whose, ``None`` for everybody's. ``what``: public ids of deliveries, or
    criteria. With criteria at most ``AT_ONCE`` a call, the oldest first, after the key ``beyond``.
    Expiry, cancellation, suppressions and preferences still apply to each.
    """
    if isinstance(what, Match):
        rows = of(publisher_id).filter(pk__gt=beyond)
        end = None
        if wanted := matching(what):
            rows, end = row_window(rows, "delivery_id", pagination.MOST_EXAMINED)
        found = _owners(rows.filter(wanted).order_by("pk")[: AT_ONCE + 1])
        if len(found) > AT_ONCE:
            found.pop(max(found))
            end = max(found)
        return _redrive(found, {}, end)
    keys = {text: key for text in what if (key := number_of(text)) is not None}
    # Deliveries that a digest told are redriven with it.
    told = Delivery.objects.filter(pk__in=keys.values(), told_in__isnull=False)
    tellers = dict(told.values_list("pk", "told_in"))
    letters = {text: tellers.get(key) or key for text, key in keys.items()}
    return _redrive(_owners(of(publisher_id).filter(pk__in=letters.values())), letters, None, what)


def _owners(rows: QuerySet[DeadLetter]) -> dict[int, int]:
    return dict(rows.values_list("pk", "publisher_id"))


def _redrive(
    found: Mapping[int, int],
    letters: Mapping[str, int],
    beyond: int | None,
    named: Sequence[str] = (),
) -> Redriven:
    """Redrive ``found``, publishers by key.

    ``named``: the public ids that were requested; ``letters``: the keys of their dead letters.
    """
    gone = _without_content(found)
    done = set(state.redrive([key for key in found if key not in gone]))
    skipped = _still_dead(found.keys() - done - gone)

    def ids(keys: Collection[int]) -> list[str]:
        if named:
            return [text for text in named if letters.get(text) in keys]
        return [public_id(key) for key in sorted(keys)]

    return Redriven(
        len(done),
        [text for text in named if letters.get(text) not in done | gone | skipped],
        ids(gone),
        beyond,
        Counter(found[key] for key in done),
        skipped,
        ids(skipped),
    )


def _still_dead(delivery_ids: Collection[int]) -> set[int]:
    """Return those that are dead letters, by both of the tables that say so."""
    rows = DeadLetter.objects.filter(pk__in=delivery_ids, delivery__state=DeliveryState.DEAD)
    return set(rows.values_list("pk", flat=True))


def _without_content(delivery_ids: Collection[int]) -> set[int]:
    """Return those that have nothing to send any more; of digests, those whose items all have."""
    empty = Delivery.objects.filter(pk__in=delivery_ids, notification__content=b"")
    told = Delivery.objects.filter(told_in__in=delivery_ids)
    left = told.exclude(notification__content=b"").values("told_in")
    digests = Delivery.objects.filter(pk__in=told.values("told_in")).exclude(pk__in=left)
    return {*empty.values_list("pk", flat=True), *digests.values_list("pk", flat=True)}
