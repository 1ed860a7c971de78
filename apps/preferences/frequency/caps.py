"""Read frequency caps. Where there are none on a channel, a claim learns so from the process."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from apps.core import arrays
from apps.core.cache import CachedLookup
from apps.preferences.categories import catalogue
from apps.preferences.models import FrequencyCap
from notifier.domain.frequency import Cap, Per, Setter


class CapsOnChannel(NamedTuple):
    """Caps set on a channel: by some category of the catalogue, by some person."""

    categories: bool
    people: bool


def exist(channel: str) -> bool:
    """Return whether anybody has set a cap on the channel, from the cache."""
    return channel in settings.FREQUENCY_CAPS or any(on_channel(channel))


def on_channel(channel: str) -> CapsOnChannel:
    """Return who has set caps on the channel, from the cache."""
    return _known.get(channel) or CapsOnChannel(False, False)


def of_company(channel: str, category: str) -> tuple[Cap, ...]:
    """Return the company's caps on a channel for notifications of a category."""
    found: tuple[Cap, ...] = settings.FREQUENCY_CAPS.get(channel, ())
    if category and on_channel(channel).categories:
        found += tuple(
            Cap(Setter.CATEGORY, category, one["limit"], Per(one["per"]))
            for one in catalogue.get(category).frequency_caps
            if one["channel"] == channel
        )
    return found


def longest_of_company(channel: str) -> int:
    """Return the longest window of the company's caps on a channel, in seconds; 0 without any.

    Any, where categories have caps: which category is sent next to a person is not known.
    """
    if on_channel(channel).categories:
        return max(per.seconds for per in Per)
    return max((cap.per.seconds for cap in settings.FREQUENCY_CAPS.get(channel, ())), default=0)


def of_people(channel: str, recipient_ids: Collection[int]) -> Mapping[int, Sequence[Cap]]:
    """Return people's own caps on a channel, by recipient id; those without are left out."""
    if not on_channel(channel).people:
        return {}
    found: dict[int, list[Cap]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recipient_id, category, most, per FROM preferences_frequencycap"
            " WHERE recipient_id = ANY(%s::bigint[]) AND channel = %s ORDER BY id",
            [arrays.numbers(recipient_ids), channel],
        )
        for recipient_id, category, most, per in cursor.fetchall():
            setter = Setter.PERSON_CATEGORY if category else Setter.PERSON
            found[recipient_id].append(Cap(setter, category, most, Per(per)))
    return found


def changed(*channels: str) -> None:
    """Have every process read again who has set caps on these channels, after the commit."""
    _known.changed(*channels)


def _load(channel: str) -> CapsOnChannel:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM preferences_category"
            "                WHERE frequency_caps @> jsonb_build_array("
            "                          jsonb_build_object('channel', %(channel)s::text))),"
            "       EXISTS (SELECT FROM preferences_frequencycap WHERE channel = %(channel)s)",
            {"channel": channel},
        )
        return CapsOnChannel._make(cursor.fetchone())


def shown(recipient_id: int) -> list[dict[str, object]]:
    """Return a person's own caps as the API shows them."""
    rows = FrequencyCap.objects.filter(recipient_id=recipient_id)
    return [
        {
            "channel": row.channel,
            "category": row.category or None,
            "limit": row.most,
            "per": row.per,
        }
        for row in rows.order_by("channel", "category", "most")
    ]


_known = CachedLookup("frequency-caps", _load, list, lambda packed: CapsOnChannel(*packed))
