"""Breakers of webhooks' hosts, shared by all processes through Redis and shown to operators.

See ``notifier.resilience.host_breakers``. While Redis does not answer, each process has breakers
of its own.
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
from notifier.resilience.breaker import Standing, State
from notifier.resilience.fair_queue import Flow
from notifier.resilience.host_breakers import EXCHANGE, RULES, HostBreakers

KEY = "notifier:hosts"
#: Hosts that are shared; of more, those whose breakers moved last.
MOST = 1000
#: Seconds for which a closed breaker is told to others, and an open one kept that nobody tries.
CLOSED_FOR, UNTRIED_FOR = 60.0, 3600.0
LIFE_SECONDS = 86400
#: Seconds after which every process knows that a breaker was closed.
KNOWN_AFTER = 2 * EXCHANGE
BY_HAND = "an operator closed it"


@dataclass(frozen=True, slots=True)
class HostBreaker:
    """A host that is left alone. ``publisher`` is whose messages to it wait; ``why`` is a clause
    for people."""

    publisher: int | None
    host: str
    state: str
    since: datetime
    tried_at: datetime
    why: str


class RedisStore:
    """One round trip an exchange."""

    def exchange(self, changes: Mapping[Flow, Standing]) -> Mapping[Flow, Standing]:
        told: dict[Any, Any] = {
            orjson.dumps(flow): standing.encode() for flow, standing in changes.items()
        }

        def call(client: redis.Redis) -> dict[bytes, bytes]:
            pipe = client.pipeline(transaction=False)
            if told:
                pipe.hset(KEY, mapping=told)
                pipe.expire(KEY, LIFE_SECONDS)
            pipe.hgetall(KEY)
            found: dict[bytes, bytes] = pipe.execute()[-1]
            if gone := _gone(found):
                client.hdel(KEY, *gone)
            return found

        return _read(ask_redis(call) or {})


@cache
def breakers() -> HostBreakers:
    """This process's."""
    return HostBreakers(RedisStore(), clock=clock.now)


def left_alone() -> list[HostBreaker]:
    """The hosts that are left alone now, the latest first."""
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
    """Let calls to the host through again, within a second in every process. What waits for it is
    due once they know, and with it what waits for the publisher's other hosts: addresses are
    encrypted, so that nobody can tell which is which before it is claimed."""
    closed = Standing(State.CLOSED, clock.now(), BY_HAND)
    RedisStore().exchange({(publisher, host): closed})
    delivery_state.release_webhooks(publisher or 0, KNOWN_AFTER)


def forget() -> None:
    """This process knows of no host any more."""
    breakers.cache_clear()


def _read(found: Mapping[bytes, bytes]) -> dict[Flow, Standing]:
    read = {}
    for field, packed in found.items():
        try:
            publisher, host = orjson.loads(field)
        except ValueError:
            continue  # of another release
        read[publisher, host] = Standing.decode(packed)
    return read


def _gone(found: Mapping[bytes, bytes]) -> list[bytes]:
    """Hosts to forget: those that recovered, and those beyond the limit."""
    now = clock.now()
    standings = {field: Standing.decode(packed) for field, packed in found.items()}
    gone = [
        field
        for field, one in standings.items()
        if now
        > one.since + (CLOSED_FOR if one.state is State.CLOSED else one.cooldown + UNTRIED_FOR)
    ]
    kept = sorted(standings.keys() - set(gone), key=lambda field: -standings[field].since)
    return gone + kept[MOST:]
