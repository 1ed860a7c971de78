"""The scheduler of beat."""

import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from apps.core.processes import heartbeat, progress

#: Seconds between two checks for tasks that operators changed.
CHECK_EVERY = 1.0


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # it has no types
    """django-celery-beat's scheduler, which checks for changes once a second.

    Its base reads the database several times for each task that it starts, of which there are
    three a second.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._checked = float("-inf")
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Start what is due; return the seconds until the next check."""
        progress.turn("beat")
        seconds = float(super().tick(*args, **options))
        heartbeat.beat()
        return seconds

    def schedule_changed(self) -> bool:
        """Return whether tasks were changed; ``False`` without a check if the last was just now."""
        now = time.monotonic()
        if now - self._checked < CHECK_EVERY:
            return False
        self._checked = now
        return bool(super().schedule_changed())
