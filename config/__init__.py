"""Values only: settings, queues, URLs and the Celery application."""

import atexit
import gc

# A process of the service loads some 270,000 objects that stay as long as it does. Looking through
# them again and again took a fifth of its start, and once more as long at its end.
gc.set_threshold(50_000, 10, 10)
atexit.register(gc.freeze)

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
