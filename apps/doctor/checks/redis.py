"""Redis: reachable, of a version that will do, a master that takes writes and evicts nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

import redis
from django.conf import settings

from apps.doctor.checks.encryption import is_local, place
from apps.doctor.findings import Finding, Options, Reporter

_found = Reporter("redis")

#: The oldest version that will do.
OLDEST = (6, 2)
#: Seconds to wait for a connection, and for each answer.
PATIENCE = 5
#: The share of ``maxmemory`` above which it is nearly full.
NEARLY_FULL = 0.9


def check(options: Options) -> Iterator[Finding]:
    """Check Redis at ``REDIS_URL``, and the one that is the broker if there is one."""
    urls = dict.fromkeys([settings.REDIS_URL, settings.AMQP_URL])
    for url in urls:
        if url.startswith("redis"):
            yield from _server(url, is_broker=url == settings.AMQP_URL)


def _server(url: str, *, is_broker: bool) -> Iterator[Finding]:
    at = place(url)
    client = redis.Redis.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, decode_responses=True
    )
    try:
        with client:
            info: Mapping[str, Any] = client.info()
    except redis.AuthenticationError as error:
        yield _found.error(f"{at} refuses the password: {error}", "correct its URL")
        return
    except redis.RedisError as error:
        yield _found.error(
            f"{at} cannot be reached: {error}",
            "see whether Redis runs there; until it does, requests are not limited and each "
            "process keeps to its share of the quotas",
        )
        return
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < OLDEST:
        yield _found.error(
            f"Redis {info['redis_version']} at {at} is too old",
            f"upgrade it to {'.'.join(map(str, OLDEST))} or newer",
        )
    else:
        yield _found.ok(f"Redis {info['redis_version']} answers at {at}")
    yield from _role(at, info)
    yield from _memory(at, info, is_broker)
    yield from _persistence(at, info)
    host = client.get_connection_kwargs().get("host", "")
    if url.startswith("redis:") and not is_local(host):
        yield _found.warning(
            f"the connection to {at} has no TLS", "where others share that network, use rediss://"
        )


def _role(at: str, info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("cluster_enabled"):
        yield _found.error(
            f"{at} is a node of a Redis Cluster, which is not supported",
            "use a single Redis, with a replica if it must not be away",
        )
    if info["role"] != "master":
        yield _found.error(
            f"{at} is a replica, which takes no writes",
            "name the master, or a proxy that follows it "
            "(docs/operations/connections.md#redis-behind-a-proxy)",
        )


def _memory(at: str, info: Mapping[str, Any], is_broker: bool) -> Iterator[Finding]:
    most, used, policy = info["maxmemory"], info["used_memory"], info["maxmemory_policy"]
    if not most:
        return
    if policy != "noeviction":
        report = _found.error if is_broker else _found.warning
        what = "doorbells" if is_broker else "counts of quotas and frequency caps"
        yield report(
            f"{at} may evict {what} when it is full (maxmemory-policy {policy})",
            "CONFIG SET maxmemory-policy noeviction, there and in its configuration",
        )
    if used > NEARLY_FULL * most:
        yield _found.warning(f"{at} uses {used / most:.0%} of its maxmemory", "raise maxmemory")


def _persistence(at: str, info: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that Redis takes writes although it cannot save; nothing has to survive in it."""
    failed = [
        name
        for name in ("rdb_last_bgsave_status", "aof_last_write_status")
        if info.get(name, "ok") != "ok"
    ]
    if failed:
        yield _found.error(
            f"{at} cannot write to its disk, and refuses commands because of it "
            f"({', '.join(failed)})",
            "give it disk, or have it save nothing (save '', appendonly no): nothing has to "
            "survive in it",
        )
    if info.get("loading"):
        yield _found.warning(f"{at} is still loading its data", "wait")
