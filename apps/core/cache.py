"""Look-ups that are asked for on every request: process-local, then Redis, then the database.

A write bars the value's place in Redis for a few seconds, in which everybody asks the database,
and tells every process to forget its copy: a change is seen as soon as a process hears of it.
Redis may be gone: then a local copy lives for its few seconds and no longer.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import orjson
import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
T = TypeVar("T")

LOCAL_SECONDS = 5.0
ABSENT_SECONDS = 1.0  # what does not exist may be created any moment, in another process
REDIS_SECONDS = 60
#: How long a written value's place in Redis stays barred to readers that read before the write.
BARRED_SECONDS = 10
#: How long an answer of Redis is waited for: it is there to save time.
ANSWER_SECONDS = 0.2
#: How long Redis is left alone after it failed, so that it costs one timeout and not many.
REST_SECONDS = 3.0
MAX_LOCAL = 10_000
CHANNEL = "notifier:lookups"
_BARRED = b"-"

_lookups: dict[str, "CachedLookup[Any]"] = {}


class CachedLookup(Generic[T]):
    """``load(key)`` with a cache before it.

    ``name`` is unique among look-ups and part of the Redis key. ``encode`` and ``decode`` turn a
    value into something JSON can hold and back.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[str], T | None],
        encode: Callable[[T], Any],
        decode: Callable[[Any], T],
    ) -> None:
        self.name = name
        self._load = load
        self._encode = encode
        self._decode = decode
        self._local: dict[str, tuple[float, T | None]] = {}
        self._epoch = 0
        _lookups[name] = self

    def get(self, key: str | int) -> T | None:
        """The value, ``None`` where there is none; at worst ``LOCAL_SECONDS`` old."""
        key = str(key)
        entry = self._local.get(key)
        if entry is not None and entry[0] > time.monotonic():
            return entry[1]
        _listener.start()
        epoch = self._epoch
        value = self._from_redis(key)
        if value is None:
            value = self._load(key)
            if value is not None:
                packed = orjson.dumps(self._encode(value))
                # Not over what a writer has barred: it may be newer than what was just read.
                _shared.call(
                    lambda r: r.set(self._redis_key(key), packed, ex=REDIS_SECONDS, nx=True)
                )
        if epoch == self._epoch:  # else it changed while we looked
            if len(self._local) >= MAX_LOCAL:
                self._local = {}
            ttl = ABSENT_SECONDS if value is None else LOCAL_SECONDS
            self._local[key] = (time.monotonic() + ttl, value)
        return value

    def changed(self, *keys: str | int) -> None:
        """Forget ``keys`` everywhere, once the transaction that is under way commits."""
        transaction.on_commit(lambda: self._invalidate([str(key) for key in keys]))

    def forget(self, key: str | None = None) -> None:
        """Drop the local copy of ``key``, or all of them."""
        self._epoch += 1
        if key is None:
            self._local = {}
        else:
            self._local.pop(key, None)

    def _invalidate(self, keys: list[str]) -> None:
        for key in keys:
            self.forget(key)
            _shared.invalidate(self._redis_key(key), f"{self.name}:{key}")

    def _from_redis(self, key: str) -> T | None:
        packed = _shared.call(lambda r: r.get(self._redis_key(key)))
        if packed is None or packed == _BARRED:
            return None
        try:
            return self._decode(orjson.loads(packed))
        except (ValueError, TypeError, KeyError):  # written by another release
            return None

    def _redis_key(self, key: str) -> str:
        return f"notifier:lookup:{self.name}:{key}"


class _Clients(threading.local):
    """Each thread's client."""

    own: redis.Redis | None = None


class _Shared:
    """Redis, without which everything goes on."""

    def __init__(self) -> None:
        self._clients = _Clients()
        self._rests_until = 0.0
        # Invalidations that could not be told; told when Redis is back.
        self._untold: dict[str, str] = {}

    def connect(self, read_timeout: float | None = None, *, own: bool = False) -> redis.Redis:
        """A client. ``own``: of one thread, whose commands take its one connection: to have it
        from a pool costs as much as the command."""
        return redis.Redis.from_url(
            settings.REDIS_URL,
            single_connection_client=own,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=read_timeout or ANSWER_SECONDS,
            # Once more at once, for a connection that an idle Redis closed; redis-py's own
            # default backs off for seconds.
            retry=Retry(NoBackoff(), 1),
        )

    def call(self, what: Callable[[redis.Redis], Any]) -> Any:
        """The answer, ``None`` while Redis does not give one."""
        if time.monotonic() < self._rests_until:
            return None
        clients = self._clients
        try:
            if clients.own is None:
                clients.own = self.connect(own=True)
            answer = what(clients.own)
        except (redis.RedisError, OSError) as error:
            if not self._rests_until:
                log.warning(
                    "Redis does not answer (%s); look-ups go to the database, and requests are "
                    "not limited",
                    type(error).__name__,
                )
            self._rests_until = time.monotonic() + REST_SECONDS
            return None
        if self._rests_until:
            self._rests_until = 0.0
            log.warning("Redis answers again")
        return answer

    def invalidate(self, redis_key: str, message: str) -> None:
        self._untold[redis_key] = message
        self.tell()

    def tell(self) -> None:
        """Bar the values that changed and tell every process."""
        for redis_key, message in list(self._untold.items()):

            def both(client: redis.Redis, key: str = redis_key, text: str = message) -> bool:
                pipeline = client.pipeline()
                pipeline.set(key, _BARRED, ex=BARRED_SECONDS)
                pipeline.publish(CHANNEL, text)
                pipeline.execute()
                return True

            if not self.call(both):
                return
            self._untold.pop(redis_key, None)


class _Listener:
    """One daemon thread a process that hears what others changed."""

    def __init__(self) -> None:
        self._pid = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the thread unless this process has one (a forked child has none)."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._run, name="lookups", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self._listen()
            except (redis.RedisError, OSError):
                time.sleep(REST_SECONDS)

    def _listen(self) -> None:
        # Read with a timeout: a connection cut in half must not look like silence for ever.
        client = _shared.connect(read_timeout=2.0)
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(CHANNEL)
            pubsub.get_message(timeout=2.0)
            for lookup in _lookups.values():  # what was said while nobody listened
                lookup.forget()
            while True:
                _shared.tell()
                message = pubsub.get_message(timeout=1.0)
                if message is None:
                    pubsub.ping()
                    continue
                name, _, key = message["data"].decode().partition(":")
                if name in _lookups:
                    _lookups[name].forget(key)


def ask_redis(what: Callable[[redis.Redis], T]) -> T | None:
    """What Redis answers, ``None`` while it is gone: then at once, but for one timeout now and
    then."""
    return _shared.call(what)


_shared = _Shared()
_listener = _Listener()
