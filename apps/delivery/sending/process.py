"""The worker of this process: created on first use, stopped with the process."""

import threading
from collections.abc import Iterable
from functools import cache

from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import runtime
from apps.delivery.sending.worker import Worker

#: Seconds that a stopping process waits for calls that providers have not answered: less than
#: Celery's soft shutdown and than process managers allow.
PATIENCE = 20.0
_lock = threading.Lock()


def worker() -> Worker:
    """Return this process's worker."""
    with _lock:  # two threads must not create two
        return _worker()


def attend(queues: Iterable[Queue]) -> None:
    """Keep emptying these queues, whether or not the broker can be reached."""
    worker().attend(queues)


def release() -> None:
    """Claim nothing more, and return to the queue what is held and not being sent yet."""
    if _worker.cache_info().currsize:  # without the lock: this may run in a signal handler
        _worker().stop()
    runtime.release()


def close(seconds: float = PATIENCE) -> None:
    """Stop this process's worker and event loop, waiting up to ``seconds`` for running calls."""
    with _lock:
        if _worker.cache_info().currsize:
            _worker().close(seconds)
            _worker.cache_clear()
    runtime.close()


@cache
def _worker() -> Worker:
    return Worker()
