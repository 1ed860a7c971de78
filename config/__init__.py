"""Values only: settings, queues, URLs and the Celery application."""

import atexit
import gc
import sys
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured

# A process of the service loads some 270,000 objects that stay as long as it does. Looking through
# them again and again took a fifth of its start, and once more as long at its end.
gc.set_threshold(50_000, 10, 10)
atexit.register(gc.freeze)


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is wrong with the environment is a sentence; where we noticed helps nobody."""
    if isinstance(error, ImproperlyConfigured):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
