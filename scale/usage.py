"""The servers' usage by some work: the difference of their own counters."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from bench.harness import broker
from bench.harness.service import Service

#: Seconds within which PostgreSQL's processes report their counters, which they do every second.
REPORTING = 1.5


@dataclass(slots=True)
class Usage:
    """Transactions and bytes of WAL of PostgreSQL, commands of Redis, messages to the broker."""

    transactions: float = 0
    wal_bytes: float = 0
    redis_commands: float = 0
    messages: float = 0

    def each(self, many: int) -> "Usage":
        """Return the usage of one of ``many``."""
        return Usage(
            self.transactions / many,
            self.wal_bytes / many,
            self.redis_commands / many,
            self.messages / many,
        )


@contextmanager
def measured(on: Service) -> Iterator[Usage]:
    """Measure the usage of the block; the yielded object is filled in at its end."""
    used, before = Usage(), _counters(on)
    yield used
    time.sleep(REPORTING)
    after = _counters(on)
    for name in ("transactions", "wal_bytes", "redis_commands", "messages"):
        setattr(used, name, getattr(after, name) - getattr(before, name))


def _counters(on: Service) -> Usage:
    assert on.servers.rabbitmq
    with on.database() as cursor:
        cursor.execute(
            """SELECT xact_commit + xact_rollback, pg_current_wal_lsn() - '0/0'::pg_lsn
            FROM pg_stat_database WHERE datname = current_database()"""
        )
        transactions, wal = cursor.fetchone()
    with redis.Redis.from_url(on.servers.redis_url) as client:
        stats: Any = client.info("stats")
    commands = float(stats["total_commands_processed"])
    return Usage(float(transactions), float(wal), commands, broker.published(on.servers.rabbitmq))
