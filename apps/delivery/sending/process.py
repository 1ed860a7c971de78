"""The worker of this process: made on first use, stopped with the process."""

import threading
from collections.abc import Iterable
from functools import cache

from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import runtime
from apps.delivery.sending.worker import Worker

#: Seconds that a process which is to stop waits for what the providers have not answered: within
#: Celery's soft shutdown, and what a runner of processes allows.
PATIENCE = 20.0
_lock = threading.Lock()


def worker() -> Worker:
    """This process's worker."""
    with _lock:  # two threads must not make two
        return _worker()


def attend(queues: Iterable[Queue]) -> None:
    """Empty these queues from now on, whether or not the broker can be reached."""
    worker().attend(queues)


def release() -> None:
    """Claim nothing more, and give back what is held and has not begun to be sent."""
    if _worker.cache_info().currsize:  # without the lock: this may run in a signal's handler
        _worker().stop()
    runtime.release()


def close(seconds: float = PATIENCE) -> None:
    """Stop this process's worker and engine, if there are any, and wait for what is under way."""
    with _lock:
        if _worker.cache_info().currsize:
            _worker().close(seconds)
            _worker.cache_clear()
    runtime.close()


@cache
def _worker() -> Worker:
    return Worker()
