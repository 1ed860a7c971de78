"""Logging: Django's ``LOGGING``, and a filter for lines that clients can cause."""

import logging
import re
import threading
import time
from typing import Any

#: Seconds between two lines of one logger, and the most characters of a line.
EVERY, LONGEST = 60.0, 300
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class OncePerMinute(logging.Filter):
    """A filter that passes one line a minute of each logger, without its traceback.

    The line says how many others it stands for. Django logs a traceback for each request with a
    wrong Host, too many fields or a path outside its directory: the fault is the client's, and one
    client could fill a disk.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._last: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        with self._lock:
            since, kept_back = self._last.get(record.name, (-EVERY, 0))
            if now - since < EVERY:
                self._last[record.name] = since, kept_back + 1
                return False
            self._last[record.name] = now, 0
        message = CONTROL.sub(" ", record.getMessage())[:LONGEST]
        record.msg = (
            f"{message} (and {kept_back} more since the last such line)" if kept_back else message
        )
        record.args = ()
        record.exc_info = record.exc_text = None
        return True


def configuration(level: str) -> dict[str, Any]:
    """Return Django's ``LOGGING``: everything from ``level`` up, to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "format": "{asctime} {levelname} {processName} {name}: {message}",
                "style": "{",
            }
        },
        "filters": {"once_per_minute": {"()": "config.logs.OncePerMinute"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line"},
            "once_per_minute": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["once_per_minute"],
            },
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # A line for each task received and finished adds nothing to what the tables hold.
            "celery.app.trace": {"level": "WARNING"},
            # A publisher's mistakes are in the responses; here they would hide the service's own.
            "django.request": {"level": "ERROR"},
            "django.security": {"handlers": ["once_per_minute"], "propagate": False},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
