"""Tell operators of alerts: once when one begins, now and then while it goes on, once it ended.

What is due for mail and what is due for the webhook is found apart, so that one that fails is tried
again without the other being repeated. A message is recorded once it is sent: a process that dies
in between sends it again, and none is lost.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from apps.alerts.messages import mail, webhook
from apps.alerts.messages.notices import Event, Notice
from apps.alerts.models import Alert, Silence
from apps.core import clock

log = logging.getLogger(__name__)

#: The least time between two messages about an alert that goes on.
REMIND = timedelta(hours=4)


class Target(NamedTuple):
    """A way to operators. ``told``, ``told_at``: the columns of an alert that say what it had."""

    name: str
    is_set: Callable[[], bool]
    send: Callable[[Sequence[Notice]], None]
    told: str
    told_at: str


TARGETS = (
    Target("mail", lambda: bool(settings.ALERTS.emails), mail.send, "mailed", "mailed_at"),
    Target(
        "webhook", lambda: bool(settings.ALERTS.webhook_url), webhook.send, "posted", "posted_at"
    ),
)


def tell() -> bool:
    """Send what is due, one message by each way; return whether everything that was due is sent."""
    now, alerts = clock.moment(), list(Alert.objects.order_by("began_at", "name", "about"))
    silenced = set(Silence.objects.filter(until__gt=now).values_list("name", flat=True))
    done = True
    for target in TARGETS:
        notices = list(_due(alerts, target, silenced, now)) if target.is_set() else []
        if not notices:
            continue
        if not attempt(target, notices):
            done = False
            continue
        for notice in notices:
            Alert.objects.filter(pk=notice.alert.pk).update(
                **{target.told: _recorded(notice.event), target.told_at: now}
            )
    return done


def attempt(target: Target, notices: Sequence[Notice]) -> bool:
    """Send a message; return whether that worked. Why it did not is in the log."""
    try:
        target.send(notices)
    except Exception as error:  # whatever a server or a library makes of it
        log.error("alerts cannot be sent by %s: %s: %s", target.name, type(error).__name__, error)
        return False
    return True


def _due(
    alerts: Iterable[Alert], target: Target, silenced: set[str], now: datetime
) -> Iterable[Notice]:
    for alert in alerts:
        told, at = getattr(alert, target.told), getattr(alert, target.told_at)
        began_told = told == Event.BEGAN
        if alert.ended_at is not None:
            if began_told:
                yield Notice(Event.ENDED, alert)
        elif alert.began_at is None or alert.name in silenced:
            continue
        elif not began_told:
            yield Notice(Event.BEGAN, alert)
        elif now - at >= REMIND:
            yield Notice(Event.GOES_ON, alert)


def _recorded(event: Event) -> Event:
    """Return what an alert is known to be where this was told."""
    return Event.ENDED if event == Event.ENDED else Event.BEGAN
