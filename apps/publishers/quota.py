"""How many notifications a publisher may post on a day, from midnight to midnight UTC.

They are counted by the statement that accepts them (``DayCount``), so that the count is never lost
and never wrong. Requests that are under way at the same time do not see each other, and may
together go over the quota by what they post.
"""

import math
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from apps.core import clock
from apps.publishers.models import DayCount
from apps.publishers.problems import Problem
from apps.publishers.selectors import get_publisher

#: Over how many rows a day's count is spread.
SLOTS = 16

# The day is the database's, whatever this machine's clock says.
_TODAY = "(clock_timestamp() AT TIME ZONE 'UTC')::date"
#: How many were accepted today: ``publisher_id, number`` of each of ``publisher_ids`` that has any.
USED = f"""
SELECT publisher_id, sum(count)::bigint AS number FROM publishers_daycount
 WHERE publisher_id = ANY(%(publisher_ids)s::bigint[]) AND day = {_TODAY} GROUP BY publisher_id
"""
#: Count what is accepted: arrays of publishers, in one order for all, of slots and of numbers.
#: Late in the transaction that accepts: a row is locked until it ends.
COUNT = f"""
INSERT INTO publishers_daycount AS d (publisher_id, day, slot, count)
SELECT publisher_id, {_TODAY}, slot, number
  FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS n (publisher_id, slot, number)
 ORDER BY publisher_id
ON CONFLICT (publisher_id, day, slot) DO UPDATE SET count = d.count + excluded.count
"""


def used(publisher_id: int) -> int:
    """How many were accepted today."""
    with connection.cursor() as cursor:
        cursor.execute(USED, {"publisher_ids": [publisher_id]})
        found = cursor.fetchone()
        return int(found[1]) if found else 0


def used_by_day(publisher_id: int, since: date) -> dict[date, int]:
    """How many were accepted on each day from ``since`` on, where any were."""
    rows = DayCount.objects.filter(publisher_id=publisher_id, day__gte=since)
    return dict(rows.values_list("day").annotate(total=Sum("count")).order_by("day"))


def per_day(publisher_id: int) -> int:
    """The publisher's own quota, or the default."""
    publisher = get_publisher(publisher_id)
    if publisher is None or publisher.quota_per_day is None:
        return settings.QUOTA_PER_DAY
    return publisher.quota_per_day


def resets_at() -> datetime:
    """The coming midnight, UTC."""
    return datetime.combine(_today() + timedelta(days=1), time(), UTC)


def exceeded(publisher_id: int) -> Problem:
    """The answer to what is beyond the publisher's quota."""
    limit = per_day(publisher_id)
    seconds = math.ceil((resets_at() - clock.moment()).total_seconds())
    return Problem(
        "quota-exceeded",
        f"Your publisher may post {limit:,} notifications a day, and this would be more. Send it "
        "again after midnight UTC, or ask the operators for a larger quota.",
        headers={"Retry-After": str(max(1, seconds))},
        quota=limit,
    )


def _today() -> date:
    return clock.moment().astimezone(UTC).date()
