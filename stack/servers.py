"""The servers that the service needs: given ones, or embedded ones."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from stack.backends import rabbitmq
from stack.backends.postgres import Postgres
from stack.backends.rabbitmq import RabbitMQ
from stack.backends.redis import Redis
from stack.state_directory import State


@dataclass(frozen=True, slots=True)
class Servers:
    """URLs of the servers. ``postgres``, ``redis`` and ``rabbitmq``: those that we started."""

    database_url: str
    redis_url: str
    broker_url: str
    postgres: Postgres | None = None
    redis: Redis | None = None
    rabbitmq: RabbitMQ | None = None


@contextlib.contextmanager
def running(state: State, *, start_rabbitmq: bool = False, given: bool = True) -> Iterator[Servers]:
    """Run PostgreSQL, Redis and a broker until the end of the block.

    With ``given``, ``DATABASE_URL``, ``REDIS_URL`` and ``AMQP_URL`` of the environment are used
    where they are set, and a RabbitMQ that answers at ``AMQP_URL``, by default on this machine, is
    the broker. Else the broker is our own RabbitMQ, with ``start_rabbitmq`` and where it is
    installed, or Redis.
    """
    env = os.environ if given else {}
    with contextlib.ExitStack() as stack:
        postgres = redis = own_rabbitmq = None
        if not (database_url := env.get("DATABASE_URL", "")):
            postgres = stack.enter_context(Postgres(state))
            database_url = postgres.url
        _say("PostgreSQL", database_url, postgres is not None)
        if not (redis_url := env.get("REDIS_URL", "")):
            redis = stack.enter_context(Redis(state))
            redis_url = redis.url
        _say("Redis", redis_url, redis is not None)
        broker_url = env.get("AMQP_URL") or rabbitmq.DEFAULT_URL
        if not given or (broker_url.startswith("amqp") and not rabbitmq.answers(broker_url)):
            if "AMQP_URL" in env:
                print(f"Nothing lets us in at AMQP_URL ({_place(broker_url)})", flush=True)
            if start_rabbitmq and rabbitmq.installed():
                own_rabbitmq = stack.enter_context(RabbitMQ(state))
                broker_url = own_rabbitmq.url
            else:
                broker_url = redis_url
        name = "RabbitMQ" if broker_url.startswith("amqp") else "Redis is the broker"
        _say(name, broker_url, own_rabbitmq is not None)
        yield Servers(database_url, redis_url, broker_url, postgres, redis, own_rabbitmq)


def _say(name: str, url: str, ours: bool) -> None:
    print(f"  {name:<20} {_place(url)}{' (embedded)' if ours else ''}", flush=True)


def _place(url: str) -> str:
    """Return the host and port of each URL, without passwords."""
    parts = [urlsplit(one) for one in url.split(";")]
    return ", ".join(
        f"{one.hostname}:{one.port}" if one.port else f"{one.hostname}" for one in parts
    )
