"""Cached look-ups for every request: in the process, then in Redis, then in the database.

A write blocks the value's key in Redis for a few seconds, during which every process reads the
database, and publishes an invalidation: a process sees the change as soon as it receives that.
While Redis is unavailable, a local copy lives for ``LOCAL_SECONDS`` and no longer.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import orjson
import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
T = TypeVar("T")

LOCAL_SECONDS = 5.0
ABSENT_SECONDS = 1.0  # short: another process may create the value at any moment
REDIS_SECONDS = 60
#: Seconds for which a written value's key is blocked: readers may hold what they read before.
BARRED_SECONDS = 10
#: Seconds to wait for Redis, which is there to save time.
ANSWER_SECONDS = 0.2
#: Seconds without a call after Redis failed, so that an outage costs one timeout and not many.
REST_SECONDS = 3.0
MAX_LOCAL = 10_000
CHANNEL = "notifier:lookups"
_BARRED = b"-"

_lookups: dict[str, "CachedLookup[Any]"] = {}


class CachedLookup(Generic[T]):
    """A cache in front of ``load(key)``.

    ``name`` is unique among look-ups and part of the Redis key. ``encode`` and ``decode`` convert a
    value to JSON-compatible data and back.
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
        """Return the value, at most ``LOCAL_SECONDS`` old, or ``None`` if there is none."""
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
                # ``nx``: do not overwrite a writer's block, which may be newer than this value.
                _shared.call(
                    lambda r: r.set(self._redis_key(key), packed, ex=REDIS_SECONDS, nx=True)
                )
        if epoch == self._epoch:  # otherwise it was invalidated meanwhile
            if len(self._local) >= MAX_LOCAL:
                self._local = {}
            ttl = ABSENT_SECONDS if value is None else LOCAL_SECONDS
            self._local[key] = (time.monotonic() + ttl, value)
        return value

    def changed(self, *keys: str | int) -> None:
        """Invalidate ``keys`` in every process once the current transaction commits."""
        transaction.on_commit(lambda: self._invalidate([str(key) for key in keys]))

    def forget(self, key: str | None = None) -> None:
        """Drop the local copy of ``key``, or of all keys."""
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
    """Each thread's Redis client."""

    own: redis.Redis | None = None


class _Shared:
    """Redis as an optional service: calls return ``None`` while it is unavailable."""

    def __init__(self) -> None:
        self._clients = _Clients()
        self._rests_until = 0.0
        # Invalidations still to be published, by Redis key: kept until Redis is back.
        self._pending: dict[str, str] = {}

    def connect(self, read_timeout: float | None = None, *, own: bool = False) -> redis.Redis:
        """Return a new client.

        ``own``: for one thread, with one connection of its own; taking one from a pool costs as
        much as a command.
        """
        return redis.Redis.from_url(
            settings.REDIS_URL,
            single_connection_client=own,
            socket_connect_timeout=max(ANSWER_SECONDS, read_timeout or 0),
            socket_timeout=read_timeout or ANSWER_SECONDS,
            # One immediate retry, for a connection that Redis closed as idle; redis-py's default
            # backs off for seconds.
            retry=Retry(NoBackoff(), 1),
        )

    def call(self, what: Callable[[redis.Redis], T]) -> T | None:
        """Return the result of ``what(client)``, ``None`` while Redis does not answer."""
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
        """Block the key and publish ``message``, now or as soon as Redis is back."""
        self._pending[redis_key] = message
        self.publish_pending()

    def publish_pending(self) -> None:
        """Block the keys of changed values and publish their invalidations."""
        for redis_key, message in list(self._pending.items()):

            def both(client: redis.Redis, key: str = redis_key, text: str = message) -> bool:
                pipeline = client.pipeline()
                pipeline.set(key, _BARRED, ex=BARRED_SECONDS)
                pipeline.publish(CHANNEL, text)
                pipeline.execute()
                return True

            if not self.call(both):
                return
            self._pending.pop(redis_key, None)


class _Listener:
    """A daemon thread, one per process, that receives invalidations."""

    def __init__(self) -> None:
        self._pid = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the thread unless this process has one; a forked child has none."""
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
        # With a timeout: a half-open connection would look like silence for ever.
        client = _shared.connect(read_timeout=2.0)
        # redis-py's method has no annotations.
        with cast(Any, client).pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(CHANNEL)
            pubsub.get_message(timeout=2.0)
            for lookup in _lookups.values():  # invalidations published before may have been missed
                lookup.forget()
            while True:
                _shared.publish_pending()
                message = pubsub.get_message(timeout=1.0)
                if message is None:
                    pubsub.ping()
                    continue
                name, _, key = message["data"].decode().partition(":")
                if name in _lookups:
                    _lookups[name].forget(key)


def ask_redis(what: Callable[[redis.Redis], T]) -> T | None:
    """Return the result of ``what(client)``, ``None`` while Redis is unavailable.

    ``None`` comes at once then, apart from one timeout every ``REST_SECONDS``.
    """
    return _shared.call(what)


def connect_redis(read_timeout: float) -> redis.Redis:
    """Return a new client for a thread that waits for messages, at most that many seconds."""
    return _shared.connect(read_timeout=read_timeout)


_shared = _Shared()
_listener = _Listener()
