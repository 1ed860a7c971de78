"""Recognise a database that is older than it was: a backup of it was restored.

Each minute the database counts one further, and Redis, which is not restored with it, remembers how
far it came. A count goes back with its database alone: it depends on no clock, Redis is told only
what is committed, and a new or another database has a name of its own. So one that is behind lacks
these minutes. One that is not may lack them, too, where Redis was away, is new or was restored with
it: whoever restores a backup holds what is open in any case.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar, cast

import redis
from django.db import connection

from apps.core import cache
from apps.core.redis_scripts import RedisScript

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Minutes that a database may lack and start: a standby that was promoted lacks some seconds.
TOLERATED = 5
#: Seconds to wait for Redis where nothing is sent before it answers.
ANSWER_SECONDS = 3.0
#: Seconds for which Redis remembers a database that counts no more.
REMEMBERED = 400 * 86_400

_ADVANCE = """
INSERT INTO delivery_databaseage AS age (id, database, minutes)
VALUES (1, gen_random_uuid(), 1)
    ON CONFLICT (id) DO UPDATE SET minutes = age.minutes + 1
RETURNING database::text, minutes
"""
_RENAME = """
UPDATE delivery_databaseage
   SET origin = coalesce(origin, database), database = gen_random_uuid()
"""
_ORIGIN = "SELECT coalesce(origin, database)::text FROM delivery_databaseage"
_THERE = "SELECT to_regclass('delivery_databaseage') IS NOT NULL"
_READ = "SELECT database::text, minutes FROM delivery_databaseage"
_remember = RedisScript(
    """
local known = tonumber(redis.call('GET', KEYS[1]) or 0)
if tonumber(ARGV[1]) > known then
    redis.call('SET', KEYS[1], ARGV[1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return known
"""
)
_NEXT_GAP = """
local gap = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(ARGV[1])) + 1
if gap > tonumber(ARGV[2]) then
    gap = ARGV[1] + 1
end
redis.call('SET', KEYS[1], gap, 'EX', ARGV[3])
return gap
"""


def count_minute() -> None:
    """Count one further, and have Redis remember it. Logs where Redis knows of a later minute."""
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE)
        database, minutes = cursor.fetchone()
    known = _remember([_key(database)], [minutes, REMEMBERED])
    if known is not None and known - minutes > TOLERATED:
        log.critical(describe(known - minutes))


def rename() -> None:
    """Have the database be another than the one that Redis remembers: it may be used as it is.

    What Redis knows of the name before stays, so that another restore is recognised, and copies
    under that name know nothing of this one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RENAME)


def next_gap(last: int, most: int) -> int:
    """Return the number of a gap in ids that no copy of this database was given before.

    ``last``: the number that this database has. Beyond ``most``, and where Redis does not answer,
    it is the one behind that.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ORIGIN)
        row = cursor.fetchone()
    if row is None:
        return last + 1
    key = f"notifier:holds-of-database:{row[0]}"
    gap = _ask(lambda client: client.eval(_NEXT_GAP, 1, key, last, most, REMEMBERED))
    return last + 1 if gap is None else int(cast(int, gap))


def lacking(cursor: Any) -> int | None:
    """Return how many minutes of the database are lost, as far as Redis knows.

    ``None`` where Redis does not answer, which is logged. ``cursor``: of the database, which may
    have no tables yet.
    """
    cursor.execute(_THERE)
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(_READ)
    row = cursor.fetchone()
    if row is None:
        return 0
    database, minutes = row
    known = _ask(lambda client: int(cast("bytes | None", client.get(_key(database))) or 0))
    return None if known is None else max(0, known - int(minutes))


def reason_to_stop(connection: Any) -> str:
    """Return why no process may use the database of this connection of psycopg2's, or nothing."""
    with connection, connection.cursor() as cursor:
        minutes = lacking(cursor) or 0
    return describe(minutes) if minutes > TOLERATED else ""


def describe(minutes: int) -> str:
    """Return what to do about a database that lacks so many minutes."""
    return (
        f"This database is older than it was: it lacks {minutes:,} minutes of which Redis knows. "
        "A backup was restored, and what is open in it may have been sent since. Stop every "
        "process and run manage.py hold; or manage.py hold --none where nothing is to wait."
    )


def _ask(what: Callable[[redis.Redis], T]) -> T | None:
    """Return the answer of Redis, or ``None`` and log that there is none."""
    # A fork must not share the thread's own client, which waits for less.
    with closing(cache.connect_redis(ANSWER_SECONDS)) as client:
        try:
            return what(client)
        except (redis.RedisError, OSError) as error:
            log.warning(
                "could not ask Redis whether a backup was restored (%s)", type(error).__name__
            )
            return None


def _key(database: str) -> str:
    return f"notifier:minutes-of-database:{database}"
