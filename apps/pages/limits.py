"""Limits on how often one person's pages are opened and changed, whoever has the link.

Counted for each person and not by client address: mail providers leave for millions of people from
a few addresses. Tokens that were made up open nothing and cost no query, so nothing counts them.
While Redis is away nothing is limited.
"""

from apps.core.cache import ask_redis
from apps.core.redis_scripts import RedisScript

#: Seconds of a window, and how often a person's pages may be opened and changed in one.
WINDOW = 600
MOST_OPENED, MOST_CHANGED = 120, 30

_count = RedisScript("""
local found = redis.call('INCR', KEYS[1])
if found == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return found
""")


class TooOften(Exception):
    """The limit is reached; the page may be opened again in ``WINDOW`` seconds at most."""


def count(subject: str, *, changing: bool) -> None:
    """Count one request about a person or an endpoint. Raises ``TooOften``."""
    what, most = ("changed", MOST_CHANGED) if changing else ("opened", MOST_OPENED)
    found = _count([_key(what, subject)], [WINDOW])
    if found is not None and found > most:
        raise TooOften


def forget(subject: str) -> None:
    """Count a person's requests no more: they are erased. Redis has the name in its keys."""
    ask_redis(lambda client: client.delete(_key("opened", subject), _key("changed", subject)))


def _key(what: str, subject: str) -> str:
    return f"notifier:pages:{what}:{subject}"
