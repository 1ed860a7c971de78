"""Rate limits: a token bucket per publisher, and per key that has a rate of its own.

Another bucket per publisher limits notifications of high priority.

A bucket holds ``burst`` requests and refills at ``per_second``. Redis stores it as the time at
which it will be full again (GCRA); one call serves all buckets, in Redis's own time. While Redis is
unavailable nothing is limited.

While a publisher sends many requests, a process leases capacity for the next ones along with that
of the current one: for as many as came in the last ``LEASE_SECONDS``, and at most a sixteenth of
what is left. Unused capacity is lost, so that the processes together never exceed the limit.
"""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from prometheus_client import Counter

from apps.api.problems import Problem
from apps.core.redis_scripts import RedisScript
from apps.publishers.selectors import KeySnapshot, PublisherSnapshot

#: A bucket without a configured ``burst`` holds this many seconds of its rate.
BURST_SECONDS = 2

#: Seconds of requests that a process leases at once; the lease is lost after twice as long.
LEASE_SECONDS = 0.05
MAX_LEASES = 10_000

UNLIMITED = Counter(
    "notifier_unlimited_requests_total",
    "Requests that were not rate-limited because Redis did not answer.",
)
HIGH_REFUSED = Counter(
    "notifier_high_rate_refused_total",
    "High-priority notifications refused with 429 because of their publisher's rate limit.",
)

# ``ahead``: for each bucket, the microseconds until it is full again; a request adds its share. It
# is taken only if every bucket has tokens left. A clock that was set back refills nothing.
# ``ARGV[1]``: notifications of high priority, whose bucket is the last one where there are any; a
# request that is taken is granted as many of them as there are tokens for.
# ``ARGV[2]``: requests wanted; granted are at most a sixteenth of what is left, but at least one.
_take = RedisScript("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ahead, high, taken = {}, tonumber(ARGV[1]), tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  local share, size = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local full_at = tonumber(redis.call('GET', key) or now)
  ahead[i] = math.min(math.max(full_at - now, 0), size)
  local free = math.floor((size - ahead[i]) / share)
  if high > 0 and i == #KEYS then
    high = math.min(high, free)
  elseif free < 1 then
    taken = 0
  else
    taken = math.min(taken, math.max(1, math.floor(free / 16)))
  end
end
local last = #KEYS
if tonumber(ARGV[1]) > 0 and high == 0 then last = last - 1 end
for i = 1, last do
  if taken > 0 then
    local number = taken
    if high > 0 and i == #KEYS then number = high end
    ahead[i] = ahead[i] + number * tonumber(ARGV[2 * i + 1])
    redis.call('SET', KEYS[i], string.format('%.0f', now + ahead[i]),
               'PX', math.ceil(ahead[i] / 1000))
  end
end
return {taken, high, unpack(ahead)}
""")


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket's rate in requests a second, and its size in requests."""

    per_second: int
    burst: int

    @property
    def share(self) -> int:
        """Microseconds in which the bucket refills by one request."""
        return max(1, 1_000_000 // max(1, self.per_second))

    @property
    def size(self) -> int:
        """Microseconds in which the empty bucket refills."""
        return self.share * self.burst


@dataclass(frozen=True, slots=True)
class Allowance:
    """The state of a request's limit: of the publisher's and the key's, the one with less left.

    ``limit`` requests are allowed at once, ``remaining`` of them now and all of them again in
    ``reset`` seconds. A request that was not ``taken`` may be retried in ``retry_after`` seconds.

    ``high`` is how many of its notifications of high priority may be accepted; there are tokens for
    another in ``high_retry_after`` seconds.
    """

    taken: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int
    high: int = 0
    high_retry_after: int = 1

    def headers(self) -> dict[str, str]:
        """Return the response headers of draft-ietf-httpapi-ratelimit-headers-06."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


def publisher_rate(publisher: PublisherSnapshot) -> Rate:
    """Return the publisher's own rate, or the default."""
    per_second = publisher.rate_per_second or settings.RATE_PER_SECOND
    return Rate(per_second, publisher.burst or BURST_SECONDS * per_second)


def key_rate(key: KeySnapshot) -> Rate | None:
    """Return the key's own rate, if it has one."""
    if key.rate_per_second is None:
        return None
    return Rate(key.rate_per_second, key.burst or BURST_SECONDS * key.rate_per_second)


def high_rate(publisher: PublisherSnapshot) -> Rate:
    """Return the publisher's rate of high-priority notifications, or the default."""
    per_second = publisher.high_rate_per_second or settings.HIGH_RATE_PER_SECOND
    return Rate(per_second, BURST_SECONDS * per_second)


def high_exceeded(publisher: PublisherSnapshot, allowance: Allowance) -> Problem:
    """Count a high-priority notification beyond the publisher's rate, and return its problem."""
    HIGH_REFUSED.inc()
    rate, seconds = high_rate(publisher), allowance.high_retry_after
    return Problem(
        "rate-limited",
        f"Your publisher may post {rate.per_second:,} notifications of high priority a second, "
        f"and {rate.burst:,} at once after a rest. Wait {seconds} s, then send what was refused "
        "again; what is not urgent has another priority.",
        headers={"Retry-After": str(seconds)},
        quota="high",
        per_second=rate.per_second,
        retry_after=seconds,
    )


def take(publisher: PublisherSnapshot, key: KeySnapshot, high: int = 0) -> Allowance | None:
    """Take one request that posts ``high`` notifications of high priority from its buckets.

    Returns ``None`` while Redis is unavailable.
    """
    buckets = {f"notifier:rate:{publisher.id}": publisher_rate(publisher)}
    if (own := key_rate(key)) is not None:
        buckets[f"notifier:rate:{publisher.id}:{key.prefix}"] = own
    if high:
        rates = {**buckets, f"notifier:rate:{publisher.id}:high": high_rate(publisher)}
        answer = _ask(rates, high)
    else:
        rates, answer = buckets, _leased(buckets)
    if answer is None:
        UNLIMITED.inc()
        return None
    taken, given, *ahead = answer
    allowances = [
        _allowance(bool(taken), rate, us) for rate, us in zip(rates.values(), ahead, strict=True)
    ]
    tightest = min(allowances[: len(buckets)], key=lambda one: (one.remaining, -one.retry_after))
    if not high:
        return tightest
    return replace(tightest, high=given, high_retry_after=allowances[-1].retry_after)


def take_high(publisher: PublisherSnapshot) -> None:
    """Take one notification of high priority that no request's ``take`` has counted.

    Raises ``Problem`` where the publisher's rate is exceeded; never while Redis is unavailable.
    """
    rate = high_rate(publisher)
    answer = _ask({f"notifier:rate:{publisher.id}:high": rate})
    if answer is None:
        UNLIMITED.inc()
        return
    taken, _, ahead = answer
    if not taken:
        found = _allowance(False, rate, ahead)
        raise high_exceeded(publisher, replace(found, high_retry_after=found.retry_after))


def _ask(buckets: Mapping[str, Rate], high: int = 0, requests: int = 1) -> list[int] | None:
    """Run the script in Redis.

    Returns the requests taken, the high-priority notifications granted, and ``ahead`` of each
    bucket.
    """
    measures = [number for rate in buckets.values() for number in (rate.share, rate.size)]
    answer: list[int] | None = _take(list(buckets), [high, requests, *measures])
    return answer


class _Lease:
    """Capacity that this process took in advance at the time ``begun``; ``left`` requests remain.

    ``ahead`` is each bucket's state at that time. ``came`` counts the requests since ``since``;
    ``pace`` is their number in the ``LEASE_SECONDS`` before. ``asking`` is set while a thread asks
    for the next lease; other threads take one request at a time meanwhile.
    """

    __slots__ = ("ahead", "asking", "begun", "came", "left", "pace", "rates", "since")

    def __init__(self) -> None:
        self.rates: Sequence[Rate] = ()
        self.ahead: Sequence[int] = ()
        self.left, self.came, self.pace = 0, 0, 0
        self.begun, self.since = -math.inf, -math.inf
        self.asking = False

    def count(self, now: float) -> None:
        """Count a request."""
        self.came += 1
        if (passed := now - self.since) >= LEASE_SECONDS:
            self.pace = int(self.came / passed * LEASE_SECONDS)
            self.came, self.since = 0, now

    def use(self, rates: Sequence[Rate], now: float) -> list[int] | None:
        """Use one leased request; return each bucket's ``ahead``, ``None`` if none is left."""
        passed = now - self.begun
        if not self.left or passed > 2 * LEASE_SECONDS or self.rates != rates:
            return None
        self.left -= 1
        passed *= 1_000_000
        return [
            max(int(ahead - passed) - self.left * rate.share, 0)
            for ahead, rate in zip(self.ahead, rates, strict=True)
        ]


_leases: dict[tuple[str, ...], _Lease] = {}
_lock = threading.Lock()


def _leased(buckets: Mapping[str, Rate]) -> list[int] | None:
    """Return what ``_ask`` returns for one request, from the lease where there is one."""
    rates, named = tuple(buckets.values()), tuple(buckets)
    with _lock:
        lease = _leases.get(named)
        if lease is None:
            if len(_leases) >= MAX_LEASES:
                _leases.clear()
            lease = _leases[named] = _Lease()
        now = time.monotonic()
        lease.count(now)
        if (ahead := lease.use(rates, now)) is not None:
            return [1, 0, *ahead]
        asks = lease.pace > 1 and not lease.asking
        if asks:
            lease.asking = True
    if not asks:
        return _ask(buckets)
    answer = None
    try:
        answer = _ask(buckets, requests=lease.pace)
    finally:
        with _lock:
            lease.asking = False
            if answer is not None and answer[0]:
                lease.begun, lease.left = time.monotonic(), answer[0]
                lease.rates, lease.ahead = rates, answer[2:]
                answer = [1, 0, *(lease.use(rates, lease.begun) or ())]
    return answer


def _allowance(taken: bool, rate: Rate, ahead: int) -> Allowance:
    free = rate.size - ahead
    return Allowance(
        taken,
        limit=rate.burst,
        remaining=free // rate.share,
        reset=math.ceil(ahead / 1_000_000),
        retry_after=max(1, math.ceil((rate.share - free) / 1_000_000)),
    )
