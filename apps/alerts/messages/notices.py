"""Notices: the content of a message about alerts, the same by mail and by webhook."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.conf import settings

from apps.alerts.models import Alert
from apps.core import clock


class Event(StrEnum):
    """One alert in a message."""

    BEGAN = "began"
    GOES_ON = "goes_on"
    ENDED = "ended"
    PASSED = "began_and_ended"
    TEST = "test"


class Notice(NamedTuple):
    """One alert in a message."""

    event: Event
    alert: Alert


_WORDS = {
    Event.BEGAN: "began",
    Event.GOES_ON: "goes on",
    Event.ENDED: "ended",
    Event.PASSED: "began and ended",
    Event.TEST: "is a test",
}


def subject(notices: Sequence[Notice]) -> str:
    """Return a mail's subject."""
    if len(notices) == 1:
        said = f"{notices[0].alert.summary} ({_WORDS[notices[0].event]})"
    else:
        numbers = Counter(notice.event for notice in notices)
        said = ", ".join(
            f"{numbers[event]} alert{'s' if numbers[event] > 1 else ''} {_WORDS[event]}"
            for event in Event
            if numbers[event]
        )
    return f"[Notifier {settings.INSTALLATION}] {said}"


def text(notices: Sequence[Notice]) -> str:
    """Return a mail's text."""
    parts = [_paragraph(*notice) for notice in notices]
    return "\n\n".join([*parts, f"What goes on now: {page()}", ""])


def as_json(notices: Sequence[Notice]) -> dict[str, Any]:
    """Return the body of a call to the webhook."""
    return {
        "type": "alerts",
        # Not by ``moment``, which may ask a database that is what the message is about.
        "timestamp": _at(datetime.fromtimestamp(clock.now(), UTC)),
        "data": {
            "installation": settings.INSTALLATION,
            "url": page(),
            "alerts": [_fields(*notice) for notice in notices],
        },
    }


def page() -> str:
    """Return the URL of the admin's list of alerts."""
    # Not by ``reverse``, for which beat would import every view.
    return f"{settings.PUBLIC_URL.rstrip('/')}/admin/alerts/alert/"


def _paragraph(event: Event, alert: Alert) -> str:
    lines = [f"{_WORDS[event].upper()}: {alert.summary} ({alert.name}, {alert.rule.severity})"]
    if alert.detail:
        lines.append(alert.detail)
    if alert.began_at:
        until = f", ended {alert.ended_at:%Y-%m-%d %H:%M:%S} UTC" if alert.ended_at else ""
        lines.append(f"Began {alert.began_at:%Y-%m-%d %H:%M:%S} UTC{until}")
    if event in (Event.BEGAN, Event.GOES_ON):
        lines.append(f"What to do: {alert.rule.runbook}")
    return "\n".join(lines)


def _fields(event: Event, alert: Alert) -> dict[str, str | None]:
    return {
        "event": event.value,
        "name": alert.name,
        "about": alert.about,
        "severity": alert.rule.severity.value,
        "summary": alert.summary,
        "detail": alert.detail,
        "began_at": _at(alert.began_at),
        "ended_at": _at(alert.ended_at),
        "runbook": alert.rule.runbook,
    }


def _at(when: datetime | None) -> str | None:
    return when.isoformat().replace("+00:00", "Z") if when else None
