"""Filters of log records: what they are about, and what they must not say."""

import logging
import re
import threading
import time

from django.http import HttpRequest

from apps.api.request_ids import route_of
from apps.core import request_ids
from apps.core.processes.kind import KIND

#: Seconds between two lines of one logger, and the most characters of a line.
EVERY, LONGEST = 60.0, 300
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class About(logging.Filter):
    """A filter that passes all, and adds the process's kind and the ids of the request at hand."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.kind = KIND
        if (ids := request_ids.current.get()) is not None:
            record.request_id = ids.request_id
            record.trace_id = ids.trace_id or None
        return True


class NoPaths(logging.Filter):
    """A filter that passes all, with the route in place of a request's path.

    Django quotes the path, escaped, in what it logs of a request. Paths hold user ids, names and
    the tokens of links.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            escaped = request.path.encode("unicode_escape").decode("ascii")
            route = route_of(request)
            record.args = tuple(
                route if arg in (request.path, escaped) else arg for arg in record.args
            )
        return True


def no_uri(record: logging.LogRecord) -> bool:
    """Pass all, without the URI of a request for which Gunicorn has no answer."""
    if str(record.msg).startswith("Error handling request %s") and isinstance(record.args, tuple):
        record.args = (*record.args[:-1], "?")
    return True


class NoQuotes(logging.Filter):
    """A filter that passes all, without what Celery and asyncio quote of a failed task.

    Of Celery's the exception's class stays, and of asyncio's the first line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "asyncio":
            record.msg = str(record.msg).partition("\n")[0]
        if isinstance(record.args, dict) and record.exc_info and "exc" in record.args:
            kind = record.exc_info[0]
            record.args = {**record.args, "exc": kind.__name__ if kind else ""}
        return True


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
