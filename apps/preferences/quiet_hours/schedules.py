"""Schedules in people's zones, each compiled once in a process."""

import json
import logging
import zoneinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.preferences.models import Recipient
from notifier.domain.times import quiet_hours
from notifier.domain.times.quiet_hours import SILENT, QuietHours, Schedule

log = logging.getLogger(__name__)

#: The zone of recipients who were registered without one: it says nothing of where they are.
UNKNOWN_ZONE = "UTC"
#: The owner of the quiet hours that apply to a person.
OWN, COMPANY = "own", "company"
#: Most compiled schedules that a process keeps, each of some hundred bytes.
MOST_KEPT = 50_000


def parse(data: object) -> Schedule:
    """Read a schedule as people write it.

    Raises ``notifier.domain.times.quiet_hours.InvalidSchedule``.
    """
    return quiet_hours.parse(data, settings.CHANNELS)


def zone_name(time_zone: str) -> str:
    """Return the IANA name of a recipient's zone: their own, or else the default one."""
    return settings.DEFAULT_TIME_ZONE if time_zone in ("", UNKNOWN_ZONE) else time_zone


def zone_of(time_zone: str) -> ZoneInfo:
    """Return a recipient's zone; the default one where this machine does not know theirs."""
    name = zone_name(time_zone)
    try:
        return ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        log.error("the time zone %r of a recipient is not known here", name)
        return ZoneInfo(settings.DEFAULT_TIME_ZONE)


def compiled(stored: str | None, time_zone: str) -> QuietHours:
    """Return the quiet hours of a recipient.

    ``stored``: their own schedule as JSON, ``None`` where the company's applies. A stored schedule
    that cannot be read counts as none at all, and is logged.
    """
    text = settings.QUIET_HOURS if stored is None else stored
    return _compile(text, zone_name(time_zone))


@lru_cache(maxsize=MOST_KEPT)
def _compile(text: str, zone: str) -> QuietHours:
    return QuietHours(_read(text), zone_of(zone))


def of(person: Recipient) -> QuietHours:
    """Return the quiet hours that apply to a recipient."""
    own = person.quiet_hours
    return compiled(None if own is None else json.dumps(own), person.time_zone)


def company(channel: str) -> bool:
    """Return whether the company has quiet hours on a channel."""
    return bool(settings.QUIET_HOURS) and channel in compiled(None, "").schedule.channels


def channels() -> list[str]:
    """Return the channels that may have quiet hours."""
    return [name for name in settings.CHANNELS if may_disturb(name)]


def may_disturb(channel: str) -> bool:
    """Return whether a channel may have quiet hours at all."""
    return channel not in SILENT


def _read(text: str) -> Schedule:
    if not text:
        return Schedule(())
    try:
        return quiet_hours.read(text)
    except ValueError as error:
        log.error("quiet hours cannot be read: %s", error)
        return Schedule(())
