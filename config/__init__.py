"""The installation's configuration: settings, URLs, and the WSGI and Celery applications.

In: environment variables, read by ``config.env`` alone. Out: ``config.settings`` for Django, and
the entry points ``config.wsgi``, ``config.celery`` and ``config.gunicorn`` for the Procfile. It may
import everything; the apps and the core see it only as ``django.conf.settings``.
"""

import atexit
import gc
import sys
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured

# A process of the service loads some 270,000 objects that live as long as it does. Repeated garbage
# collections over them took a fifth of the start-up time, and as long again at exit.
gc.set_threshold(50_000, 10, 10)
atexit.register(gc.freeze)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a configuration error as one sentence, without a traceback that would help nobody."""
    if isinstance(error, ImproperlyConfigured):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _report

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
