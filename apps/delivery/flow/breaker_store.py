"""The store of breakers: Redis, shared by all processes, or this process while Redis is away."""

import logging
from functools import cache

from prometheus_client import Counter

from apps.core.redis_scripts import RedisScript
from notifier.resilience.breaker import LocalStore

log = logging.getLogger(__name__)

KEY = "notifier:breaker:"
#: Seconds after its last change for which a breaker is kept.
LIFE_SECONDS = 86400

UNSHARED = Counter(
    "notifier_unshared_breakers_total",
    "Reads and changes of breakers that only this process knew, because Redis did not answer.",
)
_swap = RedisScript("""
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then return {0, found} end
if ARGV[2] ~= found then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return {1, ARGV[2]}
""")


@cache
def shared_store() -> "SharedStore":
    """Return this process's store."""
    return SharedStore()


class SharedStore:
    """A store that takes one round trip per read or change. Safe to use from any thread."""

    def __init__(self) -> None:
        self._local = LocalStore()
        self._alone = False

    def swap(self, name: str, expected: bytes, new: bytes) -> tuple[bool, bytes]:
        """Replace ``expected`` by ``new``; return whether it was there, and what is there now."""
        answer = _swap([KEY + name], [expected, new, LIFE_SECONDS])
        if answer is None:
            UNSHARED.inc()
            if not self._alone:
                self._alone = True
                log.warning("Redis does not answer; each process has breakers of its own")
            return self._local.swap(name, expected, new)
        if self._alone:
            self._alone = False
            self._local.forget()
        done, found = answer
        return bool(done), found
