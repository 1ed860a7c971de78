"""Write people's own frequency caps.

A publisher may add caps and lower them, as it may add refusals; only the person lifts or raises
them.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection, transaction

from apps.core import arrays
from apps.preferences.api.shapes import PostedCap
from apps.preferences.frequency import caps
from apps.preferences.models import FrequencyCap

_WRITE = """
INSERT INTO preferences_frequencycap (recipient_id, channel, category, most, per, updated_at)
SELECT *, now() FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::text[]) AS w
ON CONFLICT (recipient_id, channel, category, per)
DO UPDATE SET most = excluded.most, updated_at = excluded.updated_at
 WHERE preferences_frequencycap.most {changes} excluded.most
"""


@transaction.atomic
def replace(recipient_id: int, wanted: Sequence[PostedCap]) -> None:
    """Make these a person's only caps."""
    gone = FrequencyCap.objects.filter(recipient_id=recipient_id)
    for one in wanted:
        gone = gone.exclude(channel=one["channel"], category=one["category"], per=one["per"])
    caps.changed(*set(gone.values_list("channel", flat=True)))
    gone.delete()
    _write({recipient_id: wanted}, "<>")


def lower(wanted: Mapping[int, Sequence[PostedCap]]) -> None:
    """Add caps of people, by recipient id; where one is there the lower one holds."""
    _write(wanted, ">")


def _write(wanted: Mapping[int, Iterable[PostedCap]], changes: str) -> None:
    rows = sorted(
        (recipient_id, one["channel"], one["category"], one["limit"], one["per"])
        for recipient_id, some in wanted.items()
        for one in some
    )
    if not rows:
        return
    people, channels, categories, limits, pers = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE.format(changes=changes),
            [
                arrays.numbers(people),
                arrays.texts(channels),
                arrays.texts(categories),
                arrays.numbers(limits),
                arrays.texts(pers),
            ],
        )
    caps.changed(*set(channels))
