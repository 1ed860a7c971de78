"""Circuit breakers of webhook hosts, shared by all processes through Redis, shown to operators.

See ``notifier.resilience.host_breakers``. While Redis does not answer, each process has its own
breakers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import redis

from apps.core import clock
from apps.core.cache import ask_redis
from apps.delivery import state as delivery_state
from notifier.resilience.breaker import State, Status
from notifier.resilience.fair_queue import Flow
from notifier.resilience.host_breakers import EXCHANGE, RULES, HostBreakers

KEY = "notifier:hosts"
#: Most hosts that are shared; of more, those whose breakers changed last.
MOST = 1000
#: Seconds for which a closed breaker is shared, and an open one kept that no process probes.
CLOSED_FOR, UNTRIED_FOR = 60.0, 3600.0
LIFE_SECONDS = 86400
#: Seconds after which every process knows that a breaker was closed.
KNOWN_AFTER = 2 * EXCHANGE
BY_HAND = "an operator closed it"


@dataclass(frozen=True, slots=True)
class HostBreaker:
    """A host whose breaker is not closed.

    ``publisher``: the id of the publisher whose messages wait. ``tried_at``: when it is probed
    next. ``why``: a clause for people.
    """

    publisher: int | None
    host: str
    state: str
    since: datetime
    tried_at: datetime
    why: str


class RedisStore:
    """A store that takes one round trip per exchange."""

    def exchange(self, changes: Mapping[Flow, Status]) -> Mapping[Flow, Status]:
        """Store ``changes``, and return the statuses that all processes know."""
        fields: dict[Any, Any] = {
            orjson.dumps(flow): status.encode() for flow, status in changes.items()
        }

        def call(client: redis.Redis) -> dict[bytes, bytes]:
            pipe = client.pipeline(transaction=False)
            if fields:
                pipe.hset(KEY, mapping=fields)
                pipe.expire(KEY, LIFE_SECONDS)
            pipe.hgetall(KEY)
            found: dict[bytes, bytes] = pipe.execute()[-1]
            if gone := _gone(found):
                client.hdel(KEY, *gone)
            return found

        return _read(ask_redis(call) or {})


@cache
def breakers() -> HostBreakers:
    """Return this process's host breakers."""
    return HostBreakers(RedisStore(), clock=clock.now)


def left_alone() -> list[HostBreaker]:
    """Return the hosts whose breakers are not closed, the latest first."""
    now = clock.now()
    rows = [
        HostBreaker(
            publisher,
            host,
            found.at(now, RULES).state.value,
            datetime.fromtimestamp(found.since, UTC),
            datetime.fromtimestamp(found.since + found.cooldown, UTC),
            found.why,
        )
        for (publisher, host), found in RedisStore().exchange({}).items()
        if found.state is not State.CLOSED
    ]
    return sorted(rows, key=lambda row: row.since, reverse=True)


def close(publisher: int | None, host: str) -> None:
    """Close the host's breaker, within ``KNOWN_AFTER`` seconds in every process.

    What waits for the host becomes due then, and with it what waits for the publisher's other
    hosts: addresses are encrypted, so a delivery's host is unknown until it is claimed.
    """
    closed = Status(State.CLOSED, clock.now(), BY_HAND)
    RedisStore().exchange({(publisher, host): closed})
    delivery_state.release_webhooks(publisher or 0, KNOWN_AFTER)


def forget() -> None:
    """Make this process forget every host, for tests."""
    breakers.cache_clear()


def _read(found: Mapping[bytes, bytes]) -> dict[Flow, Status]:
    read = {}
    for field, packed in found.items():
        try:
            publisher, host = orjson.loads(field)
        except ValueError:
            continue  # written by another release
        read[publisher, host] = Status.decode(packed)
    return read


def _gone(found: Mapping[bytes, bytes]) -> list[bytes]:
    """Return the fields of hosts to delete: those that recovered, and those beyond ``MOST``."""
    now = clock.now()
    statuses = {field: Status.decode(packed) for field, packed in found.items()}
    gone = [
        field
        for field, one in statuses.items()
        if now
        > one.since + (CLOSED_FOR if one.state is State.CLOSED else one.cooldown + UNTRIED_FOR)
    ]
    kept = sorted(statuses.keys() - set(gone), key=lambda field: -statuses[field].since)
    return gone + kept[MOST:]
