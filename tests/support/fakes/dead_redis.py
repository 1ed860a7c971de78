"""A Redis that cannot be reached."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry as Attempts


def dead_redis(**_):
    """A client of a port where no Redis listens."""
    return redis.Redis(host="127.0.0.1", port=1, retry=Attempts(NoBackoff(), 0))
