"""Recognise a database that is older than it was: a backup of it was restored.

Each minute the database counts one further, and Redis, which is not restored with it, remembers how
far it came. A count goes back with its database alone: it depends on no clock, Redis is told only
what is committed, and a new or another database has a name of its own. So one that is behind lacks
these minutes. One that is not may lack them, too, where Redis was away, is new or was restored with
it: whoever restores a backup holds what is open in any case.
"""

import logging
from typing import Any, cast

import redis
from django.db import connection

from apps.core import cache
from apps.core.redis_scripts import RedisScript

log = logging.getLogger(__name__)

#: Minutes that a database may lack and start: a standby that was promoted lacks some seconds.
TOLERATED = 5
#: What a hold adds: more than Redis can be ahead.
AHEAD = 1_000_000_000
#: Seconds for which Redis remembers a database that counts no more.
REMEMBERED = 400 * 86_400

_ADVANCE = """
INSERT INTO delivery_databaseage AS age (id, database, minutes)
VALUES (1, gen_random_uuid(), %(by)s)
    ON CONFLICT (id) DO UPDATE SET minutes = age.minutes + %(by)s
RETURNING database::text, minutes
"""
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


def count_minute() -> None:
    """Count one further, and have Redis remember it. Logs where Redis knows of a later minute."""
    database, minutes = _advance(1)
    known = _remember([_key(database)], [minutes, REMEMBERED])
    if known is not None and known - minutes > TOLERATED:
        log.critical(describe(known - minutes))


def advance() -> None:
    """Have the database be ahead of what Redis remembers: it may be used as it is."""
    _advance(AHEAD)


def lacking(cursor: Any) -> int:
    """Return how many minutes of the database are lost, as far as anybody knows.

    ``cursor``: of the database, which may have no tables yet.
    """
    cursor.execute(_THERE)
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(_READ)
    row = cursor.fetchone()
    if row is None:
        return 0
    database, minutes = row
    client = cache.connect_redis(cache.ANSWER_SECONDS)  # a fork must not share the thread's own
    try:
        known = int(cast("bytes | None", client.get(_key(database))) or 0)
    except (redis.RedisError, OSError):
        return 0
    finally:
        client.close()
    return max(0, known - int(minutes))


def describe(minutes: int) -> str:
    """Return what to do about a database that lacks so many minutes."""
    return (
        f"This database is older than it was: it lacks {minutes:,} minutes of which Redis knows. "
        "A backup was restored, and what is open in it may have been sent since. Stop every "
        "process and run manage.py hold; or manage.py hold --none where nothing is to wait."
    )


def _advance(by: int) -> tuple[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, {"by": by})
        database, minutes = cursor.fetchone()
        return database, minutes


def _key(database: str) -> str:
    return f"notifier:minutes-of-database:{database}"
