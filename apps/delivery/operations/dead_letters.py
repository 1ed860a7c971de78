"""Dead letters: deliveries that are dead, and their way back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.api.pagination import look_through
from apps.core.delivery_ids import number_of
from apps.delivery import state
from apps.delivery.models import DeadLetter, NotificationKind
from apps.topics.models import Topic

#: Redriven by one call, in one transaction of a second or so.
AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Match:
    """Which dead letters: those with everything that is set.

    ``topic`` is a name, of every topic that ever had it; ``topic_id`` is one of them.
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
    """What a call put back, by publisher in ``owners``.

    ``unknown``: ids that are no dead letters. ``beyond``: where some that match may be left, the
    key after which to go on.
    """

    redriven: int
    unknown: Sequence[str] = ()
    beyond: int | None = None
    owners: Mapping[int, int] = field(default_factory=dict)

    @property
    def more(self) -> bool:
        return self.beyond is not None


def of(publisher_id: int | None) -> QuerySet[DeadLetter]:
    """A publisher's dead letters of what it published; or everybody's, confirmations and status
    messages too, which are the operators' business."""
    if publisher_id is None:
        return DeadLetter.objects.all()
    return DeadLetter.objects.filter(publisher=publisher_id, kind=NotificationKind.PUBLISHED)


def matching(match: Match) -> Q:
    """What a dead letter looks like that matches. No index leads to those."""
    wanted = Q()
    if match.topic is not None:
        # A name was free again when its topic was deleted: it may have been several topics'.
        topics = Topic.objects.filter(name=match.topic).values_list("pk", flat=True)
        wanted &= Q(topic__in=list(topics))
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
    """Put dead letters back, to be tried again from now on under their policy's whole schedule.

    ``what``: public ids of deliveries, or what they have in common; of the publisher, or of all
    (``None``). At most ``AT_ONCE`` a call, the oldest first, of those after the key ``beyond``.
    Each obeys what speaks against it by then: expiry, cancel, suppressions, preferences.
    """
    if isinstance(what, Match):
        rows = of(publisher_id).filter(pk__gt=beyond)
        end = None
        if wanted := matching(what):
            rows, end = look_through(rows, "delivery_id")
        found = _owners(rows.filter(wanted).order_by("pk")[: AT_ONCE + 1])
        if len(found) > AT_ONCE:
            found.pop(max(found))
            end = max(found)
        return _redrive(found, [], end)
    keys = [key for text in what if (key := number_of(text)) is not None]
    return _redrive(_owners(of(publisher_id).filter(pk__in=keys)), what, None)


def _owners(rows: QuerySet[DeadLetter]) -> dict[int, int]:
    return dict(rows.values_list("pk", "publisher_id"))


def _redrive(found: Mapping[int, int], named: Sequence[str], beyond: int | None) -> Redriven:
    """``found``: keys and whose they are; ``named``: the public ids that were asked for."""
    done = set(state.redrive(list(found)))
    return Redriven(
        len(done),
        [text for text in named if number_of(text) not in done],
        beyond,
        Counter(found[key] for key in done),
    )
