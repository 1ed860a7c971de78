"""Logging: Django's ``LOGGING``, in one of two formats, and filters that keep people out of it.

- In: log records of the service, of Django, Celery, Gunicorn and uvicorn.
- Out: standard error. ``text`` is a line for people, ``json`` an object a line for programs. Both
  name the request at hand, and neither has URLs, whose paths hold user ids, nor the texts of
  exceptions that may quote what was being handled.
- Imported by ``config.settings`` and ``config.gunicorn``.
"""

import logging
import logging.config
import sys
import threading
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env

# -- Logs and metrics -------------------------------------------------------------------------


def settings() -> dict[str, Any]:
    """Return Django's ``LOGGING``, as the environment wants it."""
    return configuration(
        env.choice(
            "NOTIFIER_LOG_LEVEL",
            "INFO",
            "DEBUG, INFO, WARNING or ERROR",
            ("DEBUG", "INFO", "WARNING", "ERROR"),
        ),
        env.choice(
            "NOTIFIER_LOG_FORMAT",
            "text",
            "text or json: a line for people, or a JSON object a line for programs",
            ("text", "json"),
        ),
        access=env.flag(
            "NOTIFIER_ACCESS_LOG", False, "log a line for each answer of `web` and `stream`"
        ),
    )


def configuration(level: str, form: str, *, access: bool) -> dict[str, Any]:
    """Return Django's ``LOGGING``: everything from ``level`` up, to standard error.

    ``form``: text or json. ``access``: whether answers have a line each.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "config.logs.formats.TextFormatter"},
            "json": {"()": "config.logs.formats.JsonFormatter"},
        },
        "filters": {
            "about": {"()": "config.logs.filters.About"},
            "no_paths": {"()": "config.logs.filters.NoPaths"},
            "no_quotes": {"()": "config.logs.filters.NoQuotes"},
            "once_per_minute": {"()": "config.logs.filters.OncePerMinute"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": form, "filters": ["about"]},
            "once_per_minute": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["no_paths", "once_per_minute", "about"],
            },
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "asyncio": {"filters": ["no_quotes"]},
            # A line for each task received and finished adds nothing to what the tables hold.
            "celery.app.trace": {"level": "WARNING", "filters": ["no_quotes"]},
            # A publisher's mistakes are in the responses; here they would hide the service's own.
            "django.request": {"level": "ERROR", "filters": ["no_paths"]},
            "django.security": {"handlers": ["once_per_minute"], "propagate": False},
            "celery.worker.strategy": {"level": "WARNING"},
            # A collector that is away costs a line a minute; metrics count the spans.
            "opentelemetry": {"handlers": ["once_per_minute"], "propagate": False},
            "notifier.access": {"level": "INFO" if access else "CRITICAL"},
        },
    }


def is_json(configuration: dict[str, Any]) -> bool:
    """Return whether ``LOGGING`` wants JSON."""
    return bool(configuration["handlers"]["console"]["formatter"] == "json")


def configure(configuration: dict[str, Any]) -> None:
    """Apply Django's ``LOGGING`` (``LOGGING_CONFIG``).

    An exception that ends a thread is a line of the log; in JSON also one that ends the process,
    and Python's warnings.
    """
    logging.config.dictConfig(configuration)
    threading.excepthook = _uncaught_in_thread
    if is_json(configuration):
        logging.captureWarnings(True)
        sys.excepthook = _uncaught


def _uncaught(kind: type[BaseException], error: BaseException, trace: object) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, error.__traceback__)
    else:
        # A wrong setting is one sentence; anything else needs its traceback.
        wrong = isinstance(error, ImproperlyConfigured)
        said = str(error) if wrong else "the process ends"
        logging.getLogger(__name__).critical("%s", said, exc_info=None if wrong else error)


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        name = found.thread.name if found.thread else "?"
        logging.getLogger(__name__).critical("the thread %s ends", name, exc_info=found.exc_value)
