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
_notified_at: float | None = None
#: Redis did not answer when operators were notified.
_alone = False
#: True once it is known whether a process before this one has notified operators.
_checked = False
#: A round that hung may go on while its watcher notifies operators.
_one = threading.Lock()


def failed(since: float | None = None) -> None:
    """Say that the database is away, once it has been so for long enough, and then seldom.

    ``since``: since when (monotonic), by default now.
    """
    with _one:
        _failed(since)


def over() -> None:
    """Say that the database answers again, if anybody has said that it does not."""
    with _one:
        _over()


def _failed(since: float | None) -> None:
    global _since, _notified_at, _alone
    now = time.monotonic()
    _since = (since or now) if _since is None else _since
    seconds, remind = now - _since, operator_notices.REMIND.total_seconds()
    if seconds < RULES[NAME].lasts or (_notified_at is not None and now - _notified_at < remind):
        return
    claimed = ask_redis(lambda redis: int(bool(redis.set(KEY, 1, nx=True, ex=round(remind)))))
    if claimed == 0:
        return  # another process has done it
    event = Event.BEGAN if _notified_at is None else Event.GOES_ON
    detail = f"It has not answered for {seconds:.0f} s."
    log.warning("alert: %s (%s)", RULES[NAME].summary, NAME)
    if _notify(event, detail, clock.now() - seconds):
        _notified_at, _alone = now, claimed is None
    else:
        ask_redis(lambda redis: redis.delete(KEY))


def _over() -> None:
    global _since, _notified_at, _alone, _checked
    if _since is None and _checked:
        return
    claimed = ask_redis(lambda redis: redis.delete(KEY))
    if (claimed or _alone) and not _notify(Event.ENDED, "", clock.now()):
        if claimed:  # it is tried again
            ask_redis(
                lambda redis: redis.set(KEY, 1, ex=round(operator_notices.REMIND.total_seconds()))
            )
        return
    _since, _notified_at, _alone, _checked = None, None, False, True


def _notify(event: Event, detail: str, since: float) -> bool:
    """Send a message by each way; return whether one took it, or there is none."""
    alert = Alert(name=NAME, detail=detail, began_at=datetime.fromtimestamp(since, UTC))
    ways = [way for way in operator_notices.TARGETS if way.is_set()]
    sent = [operator_notices.attempt(way, [Notice(event, alert)]) for way in ways]
    return not ways or any(sent)
