"""Counters of what people were sent, for frequency caps: all workers share them through Redis.

A counter is a sorted set: the ids of the notifications that one person was sent on a channel, each
with its category, by when a worker took them last, in milliseconds by the clock of Redis. A claim
asks and counts for all its people in one round trip. An id counts once however often it is taken.

Redis may lose counters, or not answer a process that goes on sending. So one row in the database
(``FrequencyCount``) says where all count, and each claim holds a lock on it until it commits:

- Redis has a marker: the row's generation, and the run of the Redis server that wrote it. A claim
  that finds another one, or no Redis, raises ``CountingLost`` and is rolled back; ``restart`` waits
  for the others, writes a new generation, and the claim is made again.
- While the row says that Redis is away, a claim counts deliveries in the database, one claim at a
  time. Ten seconds later whoever reaches Redis begins a new generation.
- A generation younger than the longest window reads from the database what Redis does not have of
  the people it meets, and keeps that in Redis.

So no window ever has more than its cap, whenever Redis comes, goes or is emptied. What Redis evicts
while it runs is the exception: have it evict nothing (``maxmemory-policy noeviction``).
"""

import logging
import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from prometheus_client import Counter as CounterMetric

from apps.core.cache import ask_redis
from apps.core.redis_scripts import RedisScript
from apps.delivery.state.eligibility import frequency
from notifier.domain.frequency import Cap
from notifier.resilience.frequency import Ledger

log = logging.getLogger(__name__)

KEY = "notifier:frequency:"
MARKER = f"{KEY}marker"
#: Seconds for which deliveries are counted in the database before Redis is tried again.
AWAY_SECONDS = 10.0

COUNTED_HERE = CounterMetric(
    "notifier_frequency_caps_from_database_total",
    "Claims that counted for frequency caps in the database, because Redis did not answer.",
)

_RUN = "local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')\n"
_begin = RedisScript(_RUN + "redis.call('SET', KEYS[1], ARGV[1] .. ':' .. run)\nreturn 1")
# ``notifier.resilience.frequency.Ledger.take`` for all people of a claim. Keys: the marker, then
# each person's counter. Arguments: the generation; 1 where a missing counter is to be reported and
# nothing taken; 1 where what fits is counted; the number of counts to keep before, and these: a
# counter's number, a member, its age in milliseconds. Then the number of rules, and these: for how
# long counts are kept, the number of caps, and of each its category, window and limit. Then for
# each member: its rule, the member, and the number of people who are to get it. Answers -1 where
# the marker is another one; 0 and the numbers of missing counters; or the time, and for each person
# the number of the cap that was exceeded. A member is "id:category"; ids have no colon.
_take = RedisScript(
    _RUN
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] .. ':' .. run then return {-1} end
if ARGV[2] == '1' then
    local missing = {0}
    for i = 2, #KEYS do
        if redis.call('EXISTS', KEYS[i]) == 0 then missing[#missing + 1] = i end
    end
    if #missing > 1 then return missing end
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local counts, kept = ARGV[3] == '1', tonumber(ARGV[4])
local at = 4 + 3 * kept
for i = 5, at, 3 do
    redis.call('ZADD', KEYS[tonumber(ARGV[i])], 'NX', now - tonumber(ARGV[i + 2]), ARGV[i + 1])
end
local rules = {}
for r = 1, tonumber(ARGV[at + 1]) do
    local rule = {keep = ARGV[at + 2], least = math.huge}
    for i = 1, tonumber(ARGV[at + 3]) do
        local c = at + 3 * i
        local cap = {ARGV[c + 1], '(' .. now - tonumber(ARGV[c + 2]), tonumber(ARGV[c + 3])}
        rule[i] = cap
        rule.least = math.min(rule.least, cap[3])
    end
    at = at + 2 + 3 * #rule
    rules[r] = rule
end
at = at + 1
local function exceeds(counter, member, rule)
    redis.call('ZREMRANGEBYSCORE', counter, '-inf', now - tonumber(rule.keep))
    for i, cap in ipairs(rule) do
        local others, ending = 0, ':' .. cap[1]
        for _, other in ipairs(redis.call('ZRANGEBYSCORE', counter, cap[2], '+inf')) do
            local of_it = cap[1] == '' or string.sub(other, (string.find(other, ':'))) == ending
            if other ~= member and of_it then
                others = others + 1
            end
        end
        if others >= cap[3] then return i end
    end
    return 0
end
local answer, key = {now}, 1
for i = at + 1, #ARGV, 3 do
    local rule, member = rules[tonumber(ARGV[i])], ARGV[i + 1]
    for p = 1, tonumber(ARGV[i + 2]) do
        key = key + 1
        local counter, exceeded = KEYS[key], 0
        if redis.call('ZCARD', counter) >= rule.least then
            exceeded = exceeds(counter, member, rule)
        end
        if exceeded == 0 and counts then redis.call('ZADD', counter, now, member) end
        if (exceeded == 0 and counts) or kept > 0 then
            redis.call('PEXPIRE', counter, rule.keep)
        end
        answer[#answer + 1] = exceeded
    end
end
return answer
"""
)
# Count notifications no longer that were not taken again since. Keys: counters. Arguments: the time
# at which they were taken, and the member of each counter.
_give_back = RedisScript("""
for i = 1, #KEYS do
    local at = redis.call('ZSCORE', KEYS[i], ARGV[i + 1])
    if at and tonumber(at) <= tonumber(ARGV[1]) then redis.call('ZREM', KEYS[i], ARGV[i + 1]) end
end
return 1
""")


class CountingLost(Exception):
    """Counts in Redis that may be incomplete: roll back, ``restart`` and claim again."""

    def __init__(self, generation: int) -> None:
        super().__init__("the counters of frequency caps have to begin anew")
        self.generation = generation


class Take(NamedTuple):
    """A notification for one person, and the caps that hold for it.

    ``keep``: the longest window of any cap on the channel for this person, in seconds.
    """

    recipient_id: int
    notification_id: str
    category: str
    caps: tuple[Cap, ...]
    keep: int


class Taken(NamedTuple):
    """The answers to some ``Take``s.

    ``exceeded``: the cap that each exceeds, in their order. ``generation``, ``at``: where and when
    (milliseconds by the clock of Redis) the others were counted; 0 where it was not in Redis.
    """

    exceeded: list[Cap | None]
    generation: int = 0
    at: int = 0


def take(channel: str, claim_id: int, takes: Sequence[Take]) -> Taken:
    """Count what fits the caps, in the claim's transaction. Raises ``CountingLost``."""
    where = frequency.where_counted(lock=True)
    if where is None:
        raise CountingLost(0)
    if where.in_redis:
        taken = _take_in_redis(channel, claim_id, takes, where, counts=True)
        if taken is None:
            raise CountingLost(where.generation)
        return taken
    if where.seconds > AWAY_SECONDS and ask_redis(lambda client: client.ping()):
        raise CountingLost(where.generation)
    frequency.lock_counting()
    COUNTED_HERE.inc()
    return _take_here(channel, claim_id, takes)


def peek(channel: str, takes: Sequence[Take]) -> list[Cap | None]:
    """Return which caps these would exceed now, and count nothing."""
    where = frequency.where_counted(lock=False)
    taken = None
    if where is not None and where.in_redis:
        taken = _take_in_redis(channel, 0, takes, where, counts=False)
    return (taken or _take_here(channel, 0, takes)).exceeded


def restart(generation: int) -> None:
    """Begin counting anew, in Redis if it answers, unless another process has.

    ``generation``: the one that was lost. Waits for the claims that count by it.
    """
    with transaction.atomic():
        frequency.lock_where_counted()
        where = frequency.where_counted(lock=False)
        if where is not None and where.generation != generation:
            return
        new = secrets.randbits(48) or 1
        in_redis = bool(_begin([MARKER], [new]))
        frequency.count_elsewhere(new, in_redis=in_redis)
    log.warning(
        "frequency caps are counted %s from now on",
        "in Redis" if in_redis else "in the database, because Redis does not answer",
    )


def give_back(generation: int, at: int, channel: str, takes: Sequence[Take]) -> None:
    """Count no longer what failed for good, unless it was taken again after ``at``."""
    keys = [_key(generation, channel, one.recipient_id) for one in takes]
    members = [_member(one.notification_id, one.category) for one in takes]
    _give_back(keys, [at, *members])


def forget(recipient_id: int) -> None:
    """Count no longer what a person was sent: they are erased."""
    where = frequency.where_counted(lock=False)
    if where is not None:
        keys = [_key(where.generation, channel, recipient_id) for channel in settings.CHANNELS]
        ask_redis(lambda client: client.delete(*keys))


def _key(generation: int, channel: str, recipient_id: int) -> str:
    return f"{KEY}{generation:x}:{channel}:{recipient_id}"


def _member(notification_id: str, category: str) -> str:
    return f"{notification_id}:{category}"


def _take_in_redis(
    channel: str,
    claim_id: int,
    takes: Sequence[Take],
    where: frequency.CountedWhere,
    *,
    counts: bool,
) -> Taken | None:
    """Ask the script; ``None`` where Redis does not answer or has another generation."""
    rules: dict[tuple[tuple[Cap, ...], int], int] = {}
    alike: dict[tuple[str, str, int], list[int]] = {}
    for position, one in enumerate(takes):
        rule = rules.setdefault((one.caps, one.keep), len(rules) + 1)
        alike.setdefault((one.notification_id, one.category, rule), []).append(position)
    prefix = _key(where.generation, channel, 0)[:-1]
    positions = [position for some in alike.values() for position in some]
    keys = [MARKER, *[f"{prefix}{takes[position].recipient_id}" for position in positions]]
    arguments: list[Any] = [len(rules)]
    for caps, keep in rules:
        arguments += [keep * 1000, len(caps)]
        for cap in caps:
            arguments += [cap.category, cap.per.seconds * 1000, cap.limit]
    for (notification_id, category, rule), some in alike.items():
        arguments += [rule, _member(notification_id, category), len(some)]
    complete = where.seconds > max(keep for _, keep in rules)
    answer = _take(keys, [where.generation, int(not complete), int(counts), 0, *arguments])
    if answer and answer[0] == 0:
        missing = [(number, takes[positions[number - 2]]) for number in answer[1:]]
        kept = _from_database(channel, claim_id, missing)
        answer = _take(keys, [where.generation, 0, int(counts), len(kept) // 3, *kept, *arguments])
    if not answer or answer[0] == -1:
        return None
    exceeded: list[Cap | None] = [None] * len(takes)
    for position, verdict in zip(positions, answer[1:], strict=True):
        if verdict:
            exceeded[position] = takes[position].caps[verdict - 1]
    return Taken(exceeded, where.generation, answer[0])


def _from_database(channel: str, claim_id: int, missing: Sequence[tuple[int, Take]]) -> list[Any]:
    """Return the counts of counters that Redis does not have, as the script takes them.

    ``missing``: the number of each counter, and whose it is.
    """
    people = {one.recipient_id for _, one in missing}
    longest = max(one.keep for _, one in missing)
    found = frequency.counted(channel, people, longest, claim_id)
    kept: list[Any] = []
    for number, one in missing:
        for notification_id, category, age in found.get(one.recipient_id, ()):
            kept += [number, _member(notification_id, category), int(age * 1000)]
    return kept


def _take_here(channel: str, claim_id: int, takes: Sequence[Take]) -> Taken:
    """Decide by the deliveries in the database, in which those of the claim are written."""
    people = {one.recipient_id for one in takes}
    found = frequency.counted(channel, people, max(one.keep for one in takes), claim_id)
    ledgers: dict[int, Ledger] = {}
    for recipient_id in people:
        counters: dict[str, dict[str, float]] = defaultdict(dict)
        for notification_id, category, age in found.get(recipient_id, ()):
            counters[""][notification_id] = -age
            if category:
                counters[category][notification_id] = -age
        ledgers[recipient_id] = Ledger(counters)
    return Taken(
        [ledgers[one.recipient_id].take(one.notification_id, one.caps, 0.0) for one in takes]
    )
