"""Write how often people want to be sent what may wait.

A publisher chooses for who has not chosen; what a person chose, only they change.
"""

from collections.abc import Collection, Iterable, Mapping

from django.db import connection, transaction
from django.dispatch import Signal

from apps.core import arrays
from apps.preferences.api.shapes import PostedDigestChoice
from apps.preferences.digests import choices
from apps.preferences.models import DigestChoice
from notifier.domain.digests import Cadence

#: Sent with ``recipient_ids`` in the transaction that changes what people chose.
digests_changed = Signal()

_WRITE = """
INSERT INTO preferences_digestchoice (recipient_id, category, cadence, own, updated_at)
SELECT w.*, %s, now() FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS w
ON CONFLICT (recipient_id, category)
DO UPDATE SET cadence = excluded.cadence, own = excluded.own, updated_at = excluded.updated_at
 WHERE (excluded.own OR NOT preferences_digestchoice.own)
   AND (excluded.own, excluded.cadence)
       <> (preferences_digestchoice.own, preferences_digestchoice.cadence)
RETURNING recipient_id
"""


@transaction.atomic
def replace(recipient_id: int, wanted: Mapping[str, Cadence]) -> None:
    """Make these a person's only choices, by category; "" stands for all others."""
    gone = DigestChoice.objects.filter(recipient_id=recipient_id).exclude(category__in=wanted)
    withdrawn, _ = gone.delete()
    written = _write({recipient_id: wanted}, own=True)
    _announce(written or ({recipient_id} if withdrawn else set()))


def by_category(posted: Iterable[PostedDigestChoice]) -> dict[str, Cadence]:
    """Return choices as requests write them by their categories."""
    return {one["category"]: Cadence(one["cadence"]) for one in posted}


def choose(recipient_id: int, category: str, cadence: Cadence | None) -> None:
    """Write a person's choice for one category; ``None`` withdraws it."""
    if cadence is None:
        DigestChoice.objects.filter(recipient_id=recipient_id, category=category).delete()
        _announce({recipient_id})
    else:
        _announce(_write({recipient_id: {category: cadence}}, own=True))


def suggest(wanted: Mapping[int, Mapping[str, Cadence]]) -> None:
    """Write a publisher's choices for recipients, by their ids; what people chose stays."""
    _announce(_write(wanted, own=False))


def _write(wanted: Mapping[int, Mapping[str, Cadence]], *, own: bool) -> set[int]:
    """Write choices by recipient id; return whose are others than before."""
    rows = sorted(
        (recipient_id, category, cadence.value)
        for recipient_id, some in wanted.items()
        for category, cadence in some.items()
    )
    if not rows:
        return set()
    people, categories, cadences = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [own, arrays.numbers(people), arrays.texts(categories), arrays.texts(cadences)],
        )
        return {recipient_id for (recipient_id,) in cursor.fetchall()}


def _announce(recipient_ids: Collection[int]) -> None:
    if recipient_ids:
        choices.changed()
        digests_changed.send(DigestChoice, recipient_ids=recipient_ids)
