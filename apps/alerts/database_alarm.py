"""The one alert that cannot be a row: the database does not answer.

A process that cannot reach it says so once, and again when it is back. Redis has what was said, so
that of several processes one says it, and a restart does not repeat it; without Redis each process
keeps it for itself.
"""

import logging
import threading
import time
from datetime import UTC, datetime

from apps.alerts import operator_notices
from apps.alerts.messages.notices import Event, Notice
from apps.alerts.models import Alert
from apps.alerts.rules import RULES
from apps.core import clock
from apps.core.cache import ask_redis

log = logging.getLogger(__name__)

NAME = "NotifierDatabaseDown"
KEY = "notifier:alerts:database"

_since: float | None = None
_told_at: float | None = None
#: Redis did not answer when it was told.
_alone = False
#: It was seen whether a process before this one told of it.
_looked = False
#: A look that hung may go on while its watcher speaks.
_one = threading.Lock()


def failed(since: float | None = None) -> None:
    """Say that the database is away, once it has been so for long enough, and then seldom.

    ``since``: since when (monotonic), by default now.
    """
    with _one:
        _failed(since)


def over() -> None:
    """Say that the database answers again, if anybody said that it does not."""
    with _one:
        _over()


def _failed(since: float | None) -> None:
    global _since, _told_at, _alone
    now = time.monotonic()
    _since = (since or now) if _since is None else _since
    seconds, remind = now - _since, operator_notices.REMIND.total_seconds()
    if seconds < RULES[NAME].lasts or (_told_at is not None and now - _told_at < remind):
        return
    claimed = ask_redis(lambda redis: int(bool(redis.set(KEY, 1, nx=True, ex=round(remind)))))
    if claimed == 0:
        return  # another process said it
    event = Event.BEGAN if _told_at is None else Event.GOES_ON
    detail = f"It has not answered for {seconds:.0f} s."
    log.warning("alert: %s (%s)", RULES[NAME].summary, NAME)
    if _tell(event, detail, clock.now() - seconds):
        _told_at, _alone = now, claimed is None
    else:
        ask_redis(lambda redis: redis.delete(KEY))


def _over() -> None:
    global _since, _told_at, _alone, _looked
    if _since is None and _looked:
        return
    said = ask_redis(lambda redis: redis.delete(KEY))
    if (said or _alone) and not _tell(Event.ENDED, "", clock.now()):
        if said:  # it is tried again
            ask_redis(
                lambda redis: redis.set(KEY, 1, ex=round(operator_notices.REMIND.total_seconds()))
            )
        return
    _since, _told_at, _alone, _looked = None, None, False, True


def _tell(event: Event, detail: str, since: float) -> bool:
    """Send a message by each way; return whether one took it, or there is none."""
    alert = Alert(name=NAME, detail=detail, began_at=datetime.fromtimestamp(since, UTC))
    ways = [way for way in operator_notices.TARGETS if way.is_set()]
    sent = [operator_notices.attempt(way, [Notice(event, alert)]) for way in ways]
    return not ways or any(sent)
