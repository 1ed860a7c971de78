"""Dead letters: deliveries that are dead, and their way back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from apps.delivery import transitions
from apps.delivery.models import DeadLetter, public_id
from apps.topics.models import Topic

#: Redriven by one call, in one transaction of a second or so.
AT_ONCE = 10_000
#: A delivery's id outside this database, as ``public_id`` writes it; more digits no row has.
_PUBLIC_ID = re.compile(r"dlv_([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Match:
    """Which dead letters: those with everything that is set. ``topic`` is a name."""

    topic: str | None = None
    channel: str | None = None
    provider: str | None = None
    reason: str | None = None
    died_after: datetime | None = None
    died_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a call put back. ``unknown``: ids that are no dead letters; ``more``: some are left."""

    redriven: int
    unknown: list[str]
    more: bool


def matching(publisher_id: int | None, match: Match) -> QuerySet[DeadLetter]:
    """The publisher's (or everybody's) dead letters that match; from their own table only."""
    rows = DeadLetter.objects.all()
    if publisher_id is not None:
        rows = rows.filter(publisher=publisher_id)
    if match.topic is not None:
        # A name was free again when its topic was deleted: it may have been several topics'.
        topics = Topic.objects.filter(name=match.topic).values_list("pk", flat=True)
        rows = rows.filter(topic__in=list(topics))
    if match.died_after is not None:
        rows = rows.filter(died_at__gte=match.died_after)
    if match.died_before is not None:
        rows = rows.filter(died_at__lt=match.died_before)
    for name in ("channel", "provider", "reason"):
        if (value := getattr(match, name)) is not None:
            rows = rows.filter(**{name: value})
    return rows


def delivery_id(text: str) -> int | None:
    """The key in a delivery's public id; ``None`` if it is not one."""
    found = _PUBLIC_ID.fullmatch(text)
    return int(found[1]) if found else None


@transaction.atomic
def redrive(publisher_id: int | None, what: Sequence[str] | Match) -> Redriven:
    """Put dead letters back, to be tried again from now on under their policy's whole schedule.

    ``what``: public ids of deliveries, or what they have in common; of the publisher, or of all
    (``None``). At most ``AT_ONCE`` a call. Each obeys what speaks against it by then: expiry,
    cancel, suppressions, preferences.
    """
    if isinstance(what, Match):
        rows = matching(publisher_id, what)
        chosen = list(rows.order_by("pk").values_list("pk", flat=True)[: AT_ONCE + 1])
        done = transitions.redrive(chosen[:AT_ONCE])
        return Redriven(len(done), [], len(chosen) > AT_ONCE)
    keys = [key for text in what if (key := delivery_id(text)) is not None]
    known = matching(publisher_id, Match()).filter(pk__in=keys).values_list("pk", flat=True)
    found = {public_id(key) for key in transitions.redrive(list(known))}
    return Redriven(len(found), [text for text in what if text not in found], False)
