"""The thread that hears the bell."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, cast

import redis

from apps.core.cache import connect_redis
from apps.inbox.feed import bell

log = logging.getLogger(__name__)

#: Seconds without a message after which Redis is asked whether it is there, and after which it is
#: not: its answer is a message, too.
QUIET, SILENT = 1.0, 3.0
#: Seconds until the next attempt to reach it.
PAUSE = 1.0


class BellListener(threading.Thread):
    """Calls ``rung`` with the people of each message, and ``reachable`` when that changes.

    Both are called in this thread. What was rung before ``reachable(True)`` may have been missed.
    """

    def __init__(
        self, rung: Callable[[Iterable[int]], None], reachable: Callable[[bool], None]
    ) -> None:
        super().__init__(name="bell", daemon=True)
        self._rung = rung
        self._reachable = reachable
        self._stopped = threading.Event()
        self._away = False

    def stop(self) -> None:
        """End the thread within about a second."""
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                if not self._away:
                    log.warning(
                        "Redis does not answer (%s): streams poll for changes, and "
                        "send them some seconds later",
                        type(error).__name__,
                    )
                self._away = True
                self._reachable(False)
                self._stopped.wait(PAUSE)

    def _listen(self) -> None:
        client = connect_redis(read_timeout=SILENT)
        # redis-py's method has no annotations.
        with cast(Any, client).pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(bell.CHANNEL)
            pubsub.get_message(timeout=QUIET)
            self._away = False
            self._reachable(True)
            heard = time.monotonic()
            while not self._stopped.is_set():
                message = pubsub.get_message(timeout=QUIET)
                if message is not None:
                    heard = time.monotonic()
                    try:
                        self._rung(bell.read(message["data"]))
                    except ValueError:
                        log.warning("a message of %s is not ours", bell.CHANNEL)
                elif time.monotonic() - heard > SILENT:
                    raise redis.TimeoutError("Redis is silent")
                else:
                    pubsub.ping()
