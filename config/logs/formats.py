"""The two formats of log lines, neither of which quotes what an exception may quote."""

import logging
import os
import traceback
from typing import Any

import pythonjsonlogger.json
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from kombu.exceptions import ChannelError, ConnectionError
from redis.exceptions import RedisError

from apps.core.processes.kind import KIND

#: Exceptions whose texts are about code, settings or servers. That of any other may quote a value:
#: a row that breaks a constraint, an argument that is no number, a key that is not there.
SPEAKING = (
    *(ChannelError, ConnectionError, InterfaceError, OperationalError, OSError, RedisError),
    *(AttributeError, ImportError, ImproperlyConfigured, MemoryError, NameError, RecursionError),
    TypeError,
)
STANDARD_ERROR = 2
_CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
_DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"
#: Fields of an object, in this order. Other attributes of records, such as those that Django and
#: Celery add, are left out: they hold requests and arguments.
FIELDS = (
    *("time", "level", "logger", "message", "process", "pid", "request_id", "trace_id"),
    *("notification_id", "delivery_id", "method", "route", "status", "duration_ms"),
    *("exception", "stack"),
)
#: The attribute of the record, where it is called otherwise.
ATTRIBUTES = {
    "level": "levelname",
    "logger": "name",
    "process": "kind",
    "pid": "process",
    "exception": "exc_info",
    "stack": "stack_info",
}


def description(error: BaseException) -> str:
    """Return the traceback of an exception and of those before it, without texts that may quote.

    Of an ``OperationalError`` and its like the first line is kept, without PostgreSQL's details.
    """
    before = error.__cause__
    between = _CAUSED
    if before is None and not error.__suppress_context__:
        before, between = error.__context__, _DURING
    parts = [description(before), between] if before not in (None, error) else []
    parts += ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    first = str(error).partition("\n")[0] if isinstance(error, SPEAKING) else ""
    parts.append(f"{name}: {first}\n" if first else f"{name}\n")
    if isinstance(error, BaseExceptionGroup):
        parts += [f"\n{description(one)}" for one in error.exceptions]
    return "".join(parts)


class ReticentFormatter(logging.Formatter):
    """A formatter that describes exceptions without texts that may quote."""

    def formatException(self, ei: Any) -> str:
        return description(ei[1]).rstrip("\n")


class TextFormatter(ReticentFormatter):
    """A line for people; a request's has its id at the end."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {processName} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        trace: str = getattr(record, "trace", "")
        return f"{super().format(record)}\n{trace}".rstrip("\n")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        request_id = getattr(record, "request_id", None)
        return line if request_id is None else f"{line} [{request_id}]"


class JsonFormatter(ReticentFormatter, pythonjsonlogger.json.JsonFormatter):
    """An object a line, of ``FIELDS`` that have a value; its time is RFC 3339 in UTC."""

    def __init__(self) -> None:
        pythonjsonlogger.json.JsonFormatter.__init__(
            self, "{levelname}{name}{message}{process}", style="{", timestamp="time"
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        if "trace" in log_data:  # of an error that was logged without its text
            log_data.setdefault("exc_info", log_data["trace"].rstrip("\n"))
        found = ((name, log_data.get(ATTRIBUTES.get(name, name))) for name in FIELDS)
        return {name: value for name, value in found if value is not None}


def say(text: str, _file: object = None) -> None:
    """Write a line in JSON at once: called in handlers of signals, where a stream may be in use.

    In place of ``celery.apps.worker.safe_say``.
    """
    name = "celery.apps.worker"
    record = logging.LogRecord(name, logging.INFO, __file__, 0, text.strip(), None, None)
    record.kind = KIND
    os.write(STANDARD_ERROR, f"{JsonFormatter().format(record)}\n".encode())
