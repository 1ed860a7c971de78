"""The providers' quotas, shared by all workers through Redis with one round trip per claim."""

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from django.conf import settings
from prometheus_client import Counter as CounterMetric

from apps.core.database_errors import FAILURES
from apps.core.redis_scripts import RedisScript
from apps.delivery.outbox import claims
from apps.delivery.outbox.queues import Queue
from notifier.dispatch import dispatcher
from notifier.dispatch.dispatcher import Gate
from notifier.domain.messages import Message
from notifier.domain.outcomes import Reason
from notifier.providers import Route
from notifier.resilience.token_bucket import Bucket, Grant, Quota

log = logging.getLogger(__name__)

KEY = "notifier:throttle:"
#: Seconds after its last message for which a process counts as one that sends.
SENDS_FOR = 10
#: Seconds for which the number of workers is used that hold claims, while Redis does not answer.
COUNTED_FOR = 1.0
#: Seconds for which an unused bucket is kept; by then it is full again anyway.
LIFE_SECONDS = 86400

UNSHARED = CounterMetric(
    "notifier_unshared_throttles_total",
    "Claims limited by this process's own share of a quota, because Redis did not answer.",
)
HELD = CounterMetric(
    "notifier_throttled_total",
    "Messages held back for their provider's quota.",
    ["provider", "priority"],
)
# ``notifier.resilience.token_bucket.Bucket.take`` by the clock of Redis, for each provider. Keys:
# its bucket and its senders. Arguments: this process, SENDS_FOR, LIFE_SECONDS; then for each
# provider messages per second, burst, tokens left for higher priorities, messages wanted, and the
# queue in which those that get no token wait.
_take = RedisScript("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local answer = {}
for i = 1, #KEYS / 2 do
    local bucket, senders = KEYS[2 * i - 1], KEYS[2 * i]
    local at = 3 + 5 * (i - 1)
    local rate, burst = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local left_over, wanted = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
    local line = 'line:' .. ARGV[at + 5]
    local granted, wait = wanted, 0
    if rate > 0 then
        local had = redis.call('HMGET', bucket, 'tokens', 'at', line)
        local tokens = tonumber(had[1]) or burst
        tokens = math.min(burst, tokens + math.max(0, now - (tonumber(had[2]) or now)) * rate)
        granted = math.min(wanted, math.max(0, math.floor(tokens - left_over)))
        redis.call('HSET', bucket, 'tokens', tostring(tokens - granted),
                   'at', string.format('%.6f', now))
        if granted < wanted then
            local begins = math.max(tonumber(had[3]) or 0, now + 1 / rate)
            redis.call('HSET', bucket, line,
                       string.format('%.6f', begins + (wanted - granted) / rate))
            wait = begins - now
        end
        redis.call('EXPIRE', bucket, ARGV[3])
    end
    redis.call('ZADD', senders, now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', senders, '-inf', now - tonumber(ARGV[2]))
    redis.call('EXPIRE', senders, ARGV[2])
    answer[i] = {granted, string.format('%.6f', wait), redis.call('ZCARD', senders)}
end
return answer
""")


@cache
def quotas(channel: str) -> Mapping[str, Quota]:
    """Return the quotas of those of the channel's providers that have one."""
    return {
        name: Quota(**entry["quota"])
        for name, entry in settings.PROVIDERS.items()
        if entry["channel"] == channel and "quota" in entry
    }


class _Shares:
    """This process's share of the quotas, with a fallback while Redis does not answer."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        #: Processes that sent through each provider when Redis was last asked.
        self._processes: dict[str, int] = {}
        #: Workers that hold claims of a channel, and until when that is used (monotonic seconds).
        self._workers: dict[str, tuple[int, float]] = {}
        self._alone = False

    def take(
        self, channel: str, wanted: Mapping[str, int], priority: str, again: bool
    ) -> dict[str, Grant]:
        asked = [(name, quotas(channel)[name], number) for name, number in wanted.items()]
        line = f"{priority}:again" if again else priority
        keys = [key for name, _, _ in asked for key in (KEY + name, f"{KEY}{name}:senders")]
        arguments: list[str | float] = [_me(), SENDS_FOR, LIFE_SECONDS]
        for _, quota, messages in asked:
            arguments += [quota.per_second, quota.burst, quota.left_over(priority)]
            arguments += [messages, line]
        answer = _take(keys, arguments)
        if answer is None:
            return self._take_alone(channel, asked, priority, line)
        self._alone = False
        found = {
            name: Grant(int(granted), float(wait), int(processes))
            for (name, _, _), (granted, wait, processes) in zip(asked, answer, strict=True)
        }
        self._processes |= {name: grant.processes for name, grant in found.items()}
        return found

    def _take_alone(
        self, channel: str, asked: list[tuple[str, Quota, int]], priority: str, line: str
    ) -> dict[str, Grant]:
        """Grant from an equal share of each quota.

        For as many processes as Redis last counted, or as hold claims of the channel if these are
        more: a process that starts while Redis is away has asked it for nothing.
        """
        UNSHARED.inc()
        if not self._alone:
            self._alone = True
            log.warning("Redis does not answer; each process keeps to its share of a quota")
        found = {}
        workers = self._count_workers(channel)
        for name, quota, messages in asked:
            processes = max(self._processes.get(name, 1), workers)
            grant = Grant(messages, 0.0)
            if quota.per_second:
                share = Quota(quota.per_second / processes)
                bucket = self._buckets.setdefault(name, Bucket())
                left_over = share.left_over(priority)
                grant = bucket.take(share, messages, left_over, line, time.time())
            found[name] = Grant(grant.granted, grant.wait, processes)
        return found

    def _count_workers(self, channel: str) -> int:
        found, until = self._workers.get(channel, (1, 0.0))
        if (now := time.monotonic()) >= until:
            try:
                found = claims.workers(channel)
            except FAILURES as error:
                log.warning("workers cannot be counted: %s", type(error).__name__)
            self._workers[channel] = found, now + COUNTED_FOR
        return found


@cache
def _me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


_shares = _Shares()


def narrow(
    gates: Mapping[str, Gate],
    queue: Queue,
    routes: Sequence[Route],
    messages: Sequence[Message],
    *,
    again: bool,
) -> Mapping[str, Gate]:
    """Return ``gates``, narrowed to what the quotas of the queue's providers allow now.

    Takes tokens for as many of the messages as each provider would be given. ``again``: see
    ``take``.
    """
    known = quotas(queue.channel)
    if not known:
        return gates
    wanted = dispatcher.wanted(routes, messages, gates)
    wanted = Counter({name: number for name, number in wanted.items() if name in known})
    if not wanted:
        return gates
    now = time.time()
    found = dict(gates)
    for name, grant in take(queue.channel, wanted, queue.priority, again=again).items():
        quota = known[name]
        calls = quota.share(grant.processes) if quota.concurrent else None
        if name in gates:  # half open: what is beyond its allowance does not wait for tokens
            found[name] = replace(gates[name], capacity=grant.granted, calls=calls)
        else:
            pace = 1 / quota.per_second if quota.per_second else 0.0
            until = now + grant.wait
            found[name] = Gate(grant.granted, until, Reason.THROTTLED, pace=pace, calls=calls)
    return found


def take(
    channel: str, wanted: Mapping[str, int], priority: str, *, again: bool
) -> dict[str, Grant]:
    """Take tokens for the ``wanted`` messages of each provider, and return its grant, by name.

    ``again``: the messages waited for tokens before, and do not wait behind new ones again.
    """
    found = _shares.take(channel, wanted, priority, again)
    for name, grant in found.items():
        if held := wanted[name] - grant.granted:
            HELD.labels(name, priority).inc(held)
    return found


def forget() -> None:
    """Make this process start anew, for tests."""
    global _shares
    _shares = _Shares()
    quotas.cache_clear()
