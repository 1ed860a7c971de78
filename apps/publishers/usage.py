"""The time of each key's last use: noted in memory by requests, written by a thread."""

import logging
import os
import threading
import time

from django.db import connection

from apps.core import clock
from apps.publishers.models import ApiKey

log = logging.getLogger(__name__)

#: Seconds between two writes of one key.
EVERY_SECONDS = 60.0

_written: dict[str, float] = {}
_noted: set[str] = set()
_wake = threading.Event()
_lock = threading.Lock()
_pid = 0


def note(prefix: str) -> None:
    """Note that a key was used now. Costs a dictionary look-up."""
    now = time.monotonic()
    if now - _written.get(prefix, -EVERY_SECONDS) < EVERY_SECONDS:
        return
    _written[prefix] = now
    _noted.add(prefix)
    _start()
    _wake.set()


def _start() -> None:
    global _pid
    if _pid == os.getpid():
        return
    with _lock:
        if _pid != os.getpid():  # a forked child does not inherit the thread
            _pid = os.getpid()
            threading.Thread(target=_run, name="key-usage", daemon=True).start()


def _run() -> None:
    while True:
        _wake.wait()
        _wake.clear()
        write()


def write() -> None:
    """Write the uses noted since the last write."""
    prefixes = [_noted.pop() for _ in range(len(_noted))]
    try:
        ApiKey.objects.filter(prefix__in=prefixes).update(last_used_at=clock.moment())
    except Exception as error:  # not worth a retry: the key's next use a minute later writes again
        log.warning("the last use of a key was not written: %s", type(error).__name__)
    finally:
        connection.close()
