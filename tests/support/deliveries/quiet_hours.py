"""Schedules that are quiet now, and carriers of push, SMS and email that accept everything.

``carriers`` is a fixture: a ``conftest.py`` imports it by name.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.preferences.models import Recipient
from notifier.domain.outcomes import Accepted
from notifier.domain.times.quiet_hours import DAYS
from tests.support.fakes.scripted_provider import Scripted


class Push(Scripted):
    calls: list[str] = []


class Texts(Scripted):
    calls: list[str] = []


class Mail(Scripted):
    calls: list[str] = []


@pytest.fixture
def carriers(settings: Any) -> None:
    """Providers of push, SMS and email that accept everything unless a test says otherwise."""
    settings.PROVIDERS = {
        "fcm": {"class": f"{__name__}.Push", "channel": "push"},
        "twilio": {"class": f"{__name__}.Texts", "channel": "sms"},
        "sendgrid": {"class": f"{__name__}.Mail", "channel": "email"},
        "inbox": settings.PROVIDERS["inbox"],
    }
    for kind in (Push, Texts, Mail):
        kind.calls, kind.answer = [], staticmethod(lambda message: Accepted("id"))


def around_now(*channels: str, hours: int = 2, ahead: int = 0) -> dict[str, Any]:
    """A schedule in UTC that is quiet now, or ``ahead`` hours from now, and for so many more."""
    now = datetime.now(UTC) + timedelta(hours=ahead)
    begins, ends = now - timedelta(minutes=1), now + timedelta(hours=hours)
    window = {"days": list(DAYS), "from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}"}
    return {"windows": [window], "channels": list(channels or ("push", "sms"))}


def end_of(schedule: dict[str, Any]) -> datetime:
    """Return the next end of a schedule of ``around_now``, in UTC."""
    now = datetime.now(UTC)
    hour, minute = map(int, schedule["windows"][0]["to"].split(":"))
    end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return end if end > now else end + timedelta(days=1)


def be_quiet(user_id: str, schedule: dict[str, Any] | None) -> None:
    """Store a person's schedule, without judging anew what waits."""
    Recipient.objects.filter(user_id=user_id).update(quiet_hours=schedule)
