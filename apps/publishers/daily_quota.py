"""Daily quotas: how many notifications a publisher may post from midnight to midnight UTC.

The transaction that accepts notifications counts them (``DayCount``), so that the count is never
lost and never wrong. Concurrent requests do not see each other's counts, and may together exceed
the quota by what they post. High priority has a quota of its own.
"""

import math
import random
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from apps.api.problems import Problem
from apps.core import clock, old_rows
from apps.publishers.models import DayCount
from apps.publishers.selectors import get_publisher
from notifier.domain.priorities import Priority

#: Rows over which a day's count is spread; as many more hold the count of high priority.
SLOTS = 16


class Account(NamedTuple):
    """A publisher's daily count, of high priority or of all other priorities."""

    publisher_id: int
    high: bool

    def slot(self) -> int:
        """Return one of the slots that hold the count, at random."""
        return random.randrange(SLOTS) + SLOTS * self.high


def account(publisher_id: int, priority: str) -> Account:
    """Return the account against which a notification of this priority counts."""
    return Account(publisher_id, priority == Priority.HIGH)


# The day by the database's clock, whatever this machine's clock says.
_TODAY = "(clock_timestamp() AT TIME ZONE 'UTC')::date"
#: Query today's counts: ``publisher_id, high, number`` of each account of ``publisher_ids`` that
#: has any.
USED = f"""
SELECT publisher_id, slot >= {SLOTS} AS high, sum(count)::bigint AS number FROM publishers_daycount
 WHERE publisher_id = ANY(%(publisher_ids)s::bigint[]) AND day = {_TODAY} GROUP BY 1, 2
"""
#: Add to today's counts, given arrays of publisher ids, slots and numbers. Rows are locked in one
#: order. Run it late in the accepting transaction: the locks last until that ends.
COUNT = f"""
INSERT INTO publishers_daycount AS d (publisher_id, day, slot, count)
SELECT publisher_id, {_TODAY}, slot, number
  FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS n (publisher_id, slot, number)
 ORDER BY publisher_id, slot
ON CONFLICT (publisher_id, day, slot) DO UPDATE SET count = d.count + excluded.count
"""
_PURGE = """
DELETE FROM publishers_daycount WHERE (publisher_id, day, slot) IN
    (SELECT publisher_id, day, slot FROM publishers_daycount WHERE day < %(before)s LIMIT %(most)s)
"""


def used(of: Account) -> int:
    """Return how many notifications were accepted today."""
    with connection.cursor() as cursor:
        cursor.execute(USED, {"publisher_ids": [of.publisher_id]})
        found = {Account(publisher_id, high): number for publisher_id, high, number in cursor}
    return int(found.get(of, 0))


def used_by_day(publisher_id: int, since: date) -> dict[date, int]:
    """Return how many were accepted on each day from ``since`` on that has any."""
    rows = DayCount.objects.filter(publisher_id=publisher_id, day__gte=since)
    return dict(rows.values_list("day").annotate(total=Sum("count")).order_by("day"))


def per_day(of: Account) -> int:
    """Return the publisher's own quota, or the default."""
    publisher = get_publisher(of.publisher_id)
    if of.high:
        own = None if publisher is None else publisher.high_quota_per_day
        return settings.HIGH_QUOTA_PER_DAY if own is None else own
    own = None if publisher is None else publisher.quota_per_day
    return settings.QUOTA_PER_DAY if own is None else own


def resets_at() -> datetime:
    """Return the next midnight, UTC."""
    return datetime.combine(_today() + timedelta(days=1), time(), UTC)


def exceeded(of: Account) -> Problem:
    """Return the problem for a request beyond the publisher's quota."""
    limit = per_day(of)
    what = "notifications of high priority" if of.high else "notifications"
    seconds = math.ceil((resets_at() - clock.moment()).total_seconds())
    return Problem(
        "quota-exceeded",
        f"Your publisher may post {limit:,} {what} a day, and this would be more. Send it "
        "again after midnight UTC, or ask the operators for a larger quota.",
        headers={"Retry-After": str(max(1, seconds))},
        quota=limit,
    )


def purge() -> int:
    """Delete counts older than ``STATISTICS_DAYS``; return how many rows."""
    return old_rows.delete(_PURGE, clock.moment() - timedelta(days=settings.STATISTICS_DAYS))


def _today() -> date:
    return clock.moment().astimezone(UTC).date()
