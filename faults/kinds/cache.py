"""Faults of Redis: flushed, or away."""

import redis

from faults.harness.fault import fault
from faults.harness.trial import Trial


@fault()
def redis_flushed(trial: Trial) -> None:
    """Redis is flushed, ten times within two seconds."""
    trial.publish()
    trial.begun()
    trial.broken()
    with redis.Redis.from_url(trial.service.servers.redis_url) as client:
        for _ in range(10):
            client.flushall()
            trial.lasts(0.2)
    trial.healed()


@fault()
def redis_gone(trial: Trial) -> None:
    """Redis is stopped, and started again only when everything was delivered without it."""
    server = trial.service.servers.redis
    assert server
    trial.publish()
    trial.begun()
    server.stop()
    trial.broken()
    trial.lasts(1.5)
    trial.load.blast(50)
    trial.lasts(1.5)
    server.start()
    trial.healed()
