"""Counters of frequency caps in Redis, made older or lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.core.cache import ask_redis
from apps.delivery.flow import frequency_counts
from apps.preferences.frequency import caps


@pytest.fixture
def fresh_counters(transactional_db: None) -> Iterator[None]:
    """Forget after a test what was counted, and the caps that were read."""
    yield
    lose()
    caps._known.forget()


def age(seconds: float) -> None:
    """Make everything that is counted so much older, and let what is too old be gone."""
    ask_redis(lambda client: _age(client, seconds))


def lose() -> None:
    """Empty Redis."""
    ask_redis(lambda client: client.flushall())


def _age(client: Any, seconds: float) -> bool:
    for key in client.scan_iter(f"{frequency_counts.KEY}*"):
        if client.type(key) != b"zset":
            continue
        left = client.pttl(key) - int(seconds * 1000)
        for member, score in client.zrange(key, 0, -1, withscores=True):
            client.zadd(key, {member: score - seconds * 1000})
        client.pexpire(key, max(left, 1))
    return True
